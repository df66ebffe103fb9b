import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("rm")
    .description("remove kernels, and gdb's index of them")
    .argument("<key...>", "keys, or their first digits")
    .action(async (keys: string[]) => {
      const project = await kdock.open();
      const { removeKernels } = await import("../../steps/kernels.js");
      const removed = await removeKernels(project, keys);
      const lines = removed.map(
        ({ key, source, preset }) => `removed ${key} (${source}, ${preset})`,
      );
      kdock.printer("kernels rm").result({ removed }, lines);
    });
}
