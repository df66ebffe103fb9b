import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../../app/vm-flag.js";

const MORE = `
Examples:
  kdock net shape 'delay 100ms 10ms loss 5%'     what tc-netem(8) knows; distribution normal, duplicate, corrupt, reorder ...
  kdock net shape --vm server 'rate 1mbit'       of the VM server, where there are several
  kdock net shape off                            as it was
  kdock net shape                                the current setting

Frames towards the guest are shaped, those from it pass at once: a ping takes the delay once. The kernel of the engine's
machine does it (tc netem on tap0), or kdock's stand-in where that kernel has no sch_netem. It ends with the VM.`;

export function define(kdock: Kdock): Command {
  return new Command("shape")
    .description("delay, loss, rate and the like on the way to the guest; off ends it")
    .usage("[options] [words... | off]")
    .argument("[words...]", "netem's words, or off")
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
