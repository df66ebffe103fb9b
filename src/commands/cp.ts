import { Command } from "commander";
import type { App } from "../app.js";
import { BOOT_TIMEOUT } from "./flags.js";

const EXAMPLES = `
Examples:
  kdock cp ./test.sh :/root/              into the guest
  kdock cp :/proc/config.gz .             out of it
  kdock cp ./folder :/mnt                 as /mnt/folder when /mnt is there, else as /mnt
  kdock cp ./folder/. :/mnt               what is in it

A path of the guest begins with a colon; a VM's name may stand before it. Modes are kept, links stay links.
A path here that has a colon in it: ./a:b.`;

export function cpCommand(app: App): Command {
  return new Command("cp")
    .description("copy files and folders between this machine and the running guest")
    .argument("<from>", "a path here, or [VM]:PATH of the guest")
    .argument("<to>", "the same; one of the two is the guest's")
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300")
    .addHelpText("after", EXAMPLES)
    .action((from: string, to: string, { bootTimeout }: { bootTimeout: string }) =>
      app.cp({ from, to, bootTimeout }),
    );
}
