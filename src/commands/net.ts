import { Command } from "commander";
import type { App } from "../app.js";

const CHECK_MORE = `
A line for each hop, from the guest outwards and back, and below a hop that fails what mends it. A second container, which is
removed at the end, is the outside; nobody beyond it is contacted. Exit code 0: all hops are ok; 1: one is not.`;

const SHAPE_MORE = `
Examples:
  kdock net shape 'delay 100ms 10ms loss 5%'     what tc-netem(8) knows; distribution normal, duplicate, corrupt, reorder ...
  kdock net shape server 'rate 1mbit'            of the VM server, where there are several
  kdock net shape off                            as it was
  kdock net shape                                what is in force

Frames towards the guest are shaped, those from it pass at once: a ping takes the delay once. The kernel of the engine's
machine does it (tc netem on tap0), or kdock's stand-in where that kernel has no sch_netem. It ends with the VM.`;

export function netCommand(app: App): Command {
  const check = new Command("check")
    .description(
      "a verdict for each hop: guest, gateway, another container, host, DNS, MTU; and what to mend",
    )
    .argument("[vm]", "one of several; all of them unless one is named")
    .addHelpText("after", CHECK_MORE)
    .action((vm: string | undefined) => app.netCheck({ vm }));
  const shape = new Command("shape")
    .description("delay, loss, rate and the like on the way to the guest; off ends it")
    .usage("[options] [vm] [words... | off]")
    .argument("[words...]", "a VM's name, when there are several, and netem's words")
    .addHelpText("after", SHAPE_MORE)
    .action((words: string[]) => app.netShape(words));
  return new Command("net")
    .description("look at a VM's network, or make it worse on purpose")
    .addCommand(check)
    .addCommand(shape);
}
