import { Command } from "commander";
import type { App } from "../app.js";

export function decodeCommand(app: App): Command {
  return new Command("decode")
    .description("print a kernel's log with source lines in its traces: panics, oopses, warnings")
    .argument("[file]", "a log, or - for stdin (default: the console of the project's last VM)")
    .option("--vm <name>", "which VM, when there are several")
    .action((file: string | undefined, { vm }: { vm?: string }) => app.decode({ vm, file }));
}
