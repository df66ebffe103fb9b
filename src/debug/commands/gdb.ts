import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  return new Command("gdb")
    .description("gdb on the running VM, in a container: with symbols, sources and lx- commands")
    .usage("[options] [-- gdb-arguments...]")
    .argument("[arguments...]", "arguments for gdb, such as -tui or -batch -ex bt")
    .addOption(vmOption())
    .action(async (args: string[], flags: VmFlag) => {
      const project = await kdock.openLocked();
      const { runGdb } = await import("../steps/run-gdb.js");
      kdock.exitCode = await runGdb(project, { vm: vmOf(flags), args });
    });
}
