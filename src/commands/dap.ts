import { Command } from "commander";
import type { App } from "../app.js";

export function dapCommand(app: App): Command {
  return new Command("dap")
    .description("gdb's Debug Adapter Protocol server at the running VM, on stdio: for editors")
    .option("--vm <name>", "which VM, when there are several")
    .action(({ vm }: { vm?: string }) => app.dap({ vm }));
}
