import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("dap")
    .description("gdb's Debug Adapter Protocol server at the running VM, on stdio: for editors")
    .option("--vm <name>", "which VM, when there are several")
    .action(async ({ vm }: { vm?: string }) => {
      const project = await kdock.openLocked();
      const { runDap } = await import("../steps/run-dap.js");
      kdock.exitCode = await runDap(project, vm);
    });
}
