import { Command } from "commander";
import type { App } from "../app.js";

export function psCommand(app: App): Command {
  return new Command("ps")
    .description("list this project's VM, with its gdb port")
    .option("-a, --all", "the VMs of every project on this engine")
    .action((flags: { all?: boolean }) => app.ps(flags.all ?? false));
}
