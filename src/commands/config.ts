import { Command, Option } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, type KeyFlags } from "./flags.js";

const MORE = `
Examples:
  kdock config menu                      menuconfig; what you save becomes the fragment kernel.config
  kdock config show NET BLK_DEV_LOOP     values in the final .config; without names all of it
  kdock config show --requested          who asks for what, and what came of it
  kdock config diff                      what your requests make of the preset
  kdock config diff 6.1                  the same requests with another source
  kdock config why EXT4_FS               dependencies, who selects it, and what would switch it on
  kdock config set TCP_CONG_BBR=y        checked, then written to kernel.set of kdock.yaml

An option may be written with or without CONFIG_. The kernel need not be built; its source is fetched where it is not there.`;

const DIFF_MORE = `
OTHER is a preset (debug, defconfig, tiny, host), a .config file, the key of a kernel or set that was built, "current", or
another source for the same requests, spelt as for --kernel (6.1, debian:6.1, ./linux). Without it: the pure preset. Exit code 1: they differ.`;

interface ShowFlags extends KeyFlags {
  readonly requested?: boolean;
}

export function configCommand(app: App): Command {
  const menu = new Command("menu")
    .description(
      "menuconfig on your terminal; saved as a fragment with no more than what you changed",
    )
    .addOption(
      new Option("--tool <name>", "which menu")
        .choices(["menuconfig", "nconfig"])
        .default("menuconfig"),
    )
    .option("--to <file>", "the fragment, relative to kdock.yaml", "kernel.config")
    .action(({ tool, to }: { tool: "menuconfig" | "nconfig"; to: string }) =>
      app.configMenu({ tool, to }),
    );
  const show = addBuildFlags(
    new Command("show")
      .description("the final .config, or the values of some options")
      .argument("[option...]")
      .option("--requested", "who asks for what: preset, fragments, kernel.set, flags"),
  ).action((options: string[], { requested, ...flags }: ShowFlags) =>
    app.configShow(options, requested ?? false, flags),
  );
  const diff = addBuildFlags(
    new Command("diff")
      .description("in what the configuration differs from its preset, or from another one")
      .argument("[other]", "a preset, a file, a key or a source")
      .addHelpText("after", DIFF_MORE),
  ).action((other: string | undefined, flags: KeyFlags) => app.configDiff(other, flags));
  const why = addBuildFlags(
    new Command("why")
      .description("why an option is what it is, and what it takes to have it otherwise")
      .argument("<option...>"),
  ).action((options: string[], flags: KeyFlags) => app.configWhy(options, flags));
  const set = new Command("set")
    .description("write options to kernel.set of kdock.yaml, if the kernel accepts them")
    .argument("<option=value...>", "y, m, n, a number or a text")
    .option("-f, --force", "write them unchecked")
    .action((words: string[], { force }: { force?: boolean }) =>
      app.configSet(words, force ?? false),
    );
  const unset = new Command("unset")
    .description("take options out of kernel.set of kdock.yaml")
    .argument("<option...>")
    .option("-f, --force", "even where another request needs them")
    .action((options: string[], { force }: { force?: boolean }) =>
      app.configUnset(options, force ?? false),
    );
  return [menu, show, diff, why, set, unset].reduce(
    (command, each) => command.addCommand(each),
    new Command("config")
      .description("look at the kernel's configuration, and change it")
      .addHelpText("after", MORE),
  );
}
