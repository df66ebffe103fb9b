import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("gdb")
    .description(
      "gdb at the running VM, in a container: symbols, sources and lx- commands in place",
    )
    .usage("[options] [-- gdb-arguments...]")
    .argument("[arguments...]", "gdb's own, such as -tui or -batch -ex bt")
    .option("--vm <name>", "which VM, when there are several")
    .action(async (args: string[], { vm }: { vm?: string }) => {
      const project = await kdock.openLocked();
      const { runGdb } = await import("../steps/run-gdb.js");
      kdock.exitCode = await runGdb(project, { vm, args });
    });
}
