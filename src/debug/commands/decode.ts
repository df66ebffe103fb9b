import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  return new Command("decode")
    .description("print a kernel log with source lines in its traces: panics, oopses, warnings")
    .argument("[file]", "a log, or - for stdin (default: the console of the project's last VM)")
    .addOption(vmOption())
    .action(async (file: string | undefined, flags: VmFlag) => {
      const project = await kdock.openLocked();
      const { decodeText } = await import("../steps/decode-text.js");
      const path = file === undefined || file === "-" ? file : kdock.resolve(file);
      const result = await decodeText(project, { vm: vmOf(flags), path });
      kdock.printer("decode").result(result, result.lines);
    });
}
