import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("decode")
    .description("print a kernel's log with source lines in its traces: panics, oopses, warnings")
    .argument("[file]", "a log, or - for stdin (default: the console of the project's last VM)")
    .option("--vm <name>", "which VM, when there are several")
    .action(async (file: string | undefined, { vm }: { vm?: string }) => {
      const project = await kdock.openLocked();
      const { decodeText } = await import("../steps/decode-text.js");
      const path = file === undefined || file === "-" ? file : kdock.resolve(file);
      const result = await decodeText(project, { vm, path });
      kdock.printer("decode").result(result, result.lines);
    });
}
