import { Command } from "commander";
import type { Kdock } from "../app/kdock.js";

const EXAMPLE = `
A key stands for one kernel; its first digits do, from four on, while they are nobody else's:
  kdock run --kernel 5c71 -d         boots it with its own root file system; nothing is built
  kdock kernels rm 5c71              removes it, unless it is current (*) or a VM runs it`;

export function define(kdock: Kdock): Command {
  return new Command("kernels")
    .description("list the kernels that are built, the newest first; * is what `kdock run` boots")
    .addHelpText("after", EXAMPLE)
    .action(async () => {
      const { ctx } = await kdock.open();
      const { listKernels } = await import("../steps/kernels.js");
      const { kernelsTable } = await import("../ui/kernels-text.js");
      const kernels = await listKernels(ctx);
      kdock.printer("kernels").result({ kernels }, kernelsTable(kernels, ctx.host.now()));
    })
    .addCommand(defineRemove(kdock));
}

function defineRemove(kdock: Kdock): Command {
  return new Command("rm")
    .description("remove kernels, and gdb's index of them")
    .argument("<key...>", "keys, or their first digits")
    .action(async (keys: string[]) => {
      const project = await kdock.open();
      const { removeKernels } = await import("../steps/kernels.js");
      const removed = await removeKernels(project, keys);
      const lines = removed.map(
        ({ key, source, preset }) => `removed ${key} (${source}, ${preset})`,
      );
      kdock.printer("kernels rm").result({ removed }, lines);
    });
}
