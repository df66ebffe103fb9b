import { Command } from "commander";
import type { App } from "../app.js";

const EXAMPLE = `
A key stands for one kernel; its first digits do, from four on, while they are nobody else's:
  kdock run --kernel 5c71 -d         boots it with its own root file system; nothing is built
  kdock kernels rm 5c71              removes it, unless it is current (*) or a VM runs it`;

export function kernelsCommand(app: App): Command {
  const command = new Command("kernels")
    .description("list the kernels that are built, the newest first; * is what `kdock run` boots")
    .addHelpText("after", EXAMPLE)
    .action(() => app.kernels());
  command
    .command("rm")
    .description("remove kernels, and gdb's index of them")
    .argument("<key...>", "keys, or their first digits")
    .action((keys: string[]) => app.removeKernels(keys));
  return command;
}
