import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { FeatureTable } from "../../app/feature.js";

const EXAMPLE = `
A kernel is named by its key, or by at least four digits of it that are unique:
  kdock run --kernel 5c71 -d         boots it with its own root file system; nothing is built
  kdock kernels rm 5c71              removes it, unless it is current (*) or a VM runs it`;

export const PARTS: FeatureTable = { rm: () => import("./kernels/rm.js") };

export function define(kdock: Kdock): Command {
  return new Command("kernels")
    .description("list the kernels that are built, the newest first; * is what `kdock run` boots")
    .addHelpText("after", EXAMPLE)
    .action(async () => {
      const { ctx } = await kdock.open();
      const { listKernels } = await import("../steps/kernels.js");
      const { kernelsTable } = await import("../text/kernels-text.js");
      const kernels = await listKernels(ctx);
      kdock.printer("kernels").result({ kernels }, kernelsTable(kernels, ctx.host.now()));
    });
}
