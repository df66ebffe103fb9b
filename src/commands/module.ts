import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, BOOT_TIMEOUT, type KeyFlags } from "./flags.js";

interface BuildFlags extends KeyFlags {
  readonly name?: string;
  readonly load?: string | true;
  readonly bootTimeout: string;
  readonly make: readonly string[];
}

const list = (value: string, before: readonly string[]) => [...before, value];

const EXAMPLES = `
The folder has a Kbuild or Makefile for the kernel's build system; a Makefile that calls \`make -C KERNEL M=$(PWD)\` is run as you
do, and gets this kernel wherever it looks for one. For a hello.c one line in a file Kbuild is enough:

  obj-m := hello.o

It is only read: what is made is in .kdock/out/module/NAME, unstripped, and gdb knows it there.

Examples:
  kdock module build ./hello                 against the kernel of kdock.yaml, which is built first if need be
  kdock module build ./hello --make DEBUG=1  as \`make DEBUG=1\`
  kdock module build ./hello --load          the same for the VM that runs, then insmod; an older one is taken out first
  kdock trap hello_ioctl --locals            stops in it, also before it is loaded`;

export function moduleCommand(app: App): Command {
  const building = new Command("build")
    .description("build an out-of-tree module against the kernel")
    .argument("<folder>", "with Kbuild or Makefile; it is only read")
    .option("--name <name>", "what to call it; the folder's name otherwise")
    .option("--make <NAME=value>", "a variable for make; may be repeated", list, [])
    .option("--load [vm]", "load it into the VM that runs, for whose kernel it is built then")
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300");
  addBuildFlags(building)
    .addHelpText("after", EXAMPLES)
    .action((folder: string, { name, load, bootTimeout, make, ...flags }: BuildFlags) =>
      app.moduleBuild(
        {
          ...{ folder, name, bootTimeout, make },
          load: load === undefined ? undefined : { vm: load === true ? undefined : load },
        },
        flags,
      ),
    );
  const loading = new Command("load")
    .description("load a module that was built, again or into another VM")
    .argument("<name>", "as `kdock module build` called it")
    .argument("[vm]", "which VM, when there are several")
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300")
    .action((name: string, vm: string | undefined, { bootTimeout }: { bootTimeout: string }) =>
      app.moduleLoad({ name, vm, bootTimeout }),
    );
  return new Command("module")
    .description("modules that are not in the kernel's tree")
    .addCommand(building)
    .addCommand(loading);
}
