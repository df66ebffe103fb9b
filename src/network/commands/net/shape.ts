import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../../app/vm-flag.js";

const MORE = `
Examples:
  kdock net shape 'delay 100ms 10ms loss 5%'     parameters of tc-netem(8); distribution normal, duplicate, corrupt, reorder ...
  kdock net shape --vm server 'rate 1mbit'       of the VM server, where there are several
  kdock net shape off                            no shaping
  kdock net shape                                the current setting

Only frames to the guest are shaped: a ping takes the delay once. tc netem on tap0 does it, or kdock's stand-in where the
kernel of the engine's machine has no sch_netem. It ends with the VM.`;

export function define(kdock: Kdock): Command {
  return new Command("shape")
    .description("delay, loss, rate limits and the like for frames to the guest; off removes them")
    .usage("[options] [parameters... | off]")
    .argument("[parameters...]", "parameters of tc-netem(8), or off")
    .addOption(vmOption())
    .addHelpText("after", MORE)
    .action(async (words: string[], flags: VmFlag) => {
      const vm = vmOf(flags);
      const project = await kdock.open();
      const { shapeNet } = await import("../../steps/net-shape.js");
      const { shapeText } = await import("../../text/shape-text.js");
      const result = await shapeNet(project, { vm, words });
      kdock.printer("net shape").result(result, shapeText(result));
    });
}
