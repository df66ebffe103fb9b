import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import type { KeyFlags } from "../../../config/key-flags.js";
import { addBuildFlags } from "../../../app/key-options.js";

export function define(kdock: Kdock): Command {
  const command = new Command("why")
    .description("explain why an option has its value, and what would change it")
    .argument("<option...>");
  return addBuildFlags(command).action(async (options: string[], flags: KeyFlags) => {
    const project = await kdock.openLocked(flags);
    const { explainOptions } = await import("../../steps/config-view.js");
    const { known, requireAll } = await explainOptions(project, options);
    const lines = known.flatMap((each, index) => (index === 0 ? each.lines : ["", ...each.lines]));
    if (known.length > 0) kdock.printer("config why").result(known, lines);
    requireAll();
  });
}
