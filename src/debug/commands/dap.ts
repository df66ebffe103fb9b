import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  return new Command("dap")
    .description("gdb's Debug Adapter Protocol server on the running VM, over stdio: for editors")
    .addOption(vmOption())
    .action(async (flags: VmFlag) => {
      const project = await kdock.openLocked();
      const { runDap } = await import("../steps/run-dap.js");
      kdock.exitCode = await runDap(project, vmOf(flags));
    });
}
