import { Command } from "commander";
import type { App } from "../app.js";

export function gdbCommand(app: App): Command {
  return new Command("gdb")
    .description(
      "gdb at the running VM, in a container: symbols, sources and lx- commands in place",
    )
    .usage("[options] [-- gdb-arguments...]")
    .argument("[arguments...]", "gdb's own, such as -tui or -batch -ex bt")
    .option("--vm <name>", "which VM, when there are several")
    .action((args: string[], { vm }: { vm?: string }) => app.gdb({ vm, args }));
}
