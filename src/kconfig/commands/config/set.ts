import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("set")
    .description("write options to kernel.set of kdock.yaml, if the kernel accepts them")
    .argument("<option=value...>", "y, m, n, a number or a text")
    .option("-f, --force", "write them unchecked")
    .action(async (words: string[], { force = false }: { force?: boolean }) => {
      const { changeSettings, readAssignments } = await import("../../steps/config-set.js");
      const set = readAssignments(words);
      const project = await kdock.openLocked();
      const { written } = await changeSettings(project, set, { path: kdock.configPath, force });
      const lines = Object.entries(set).map(([name, value]) => `  ${name}=${value ?? ""}`);
      const head = written ? "kernel.set of" : "nothing to change in";
      kdock
        .printer("config set")
        .result({ written, set }, [`${head} ${kdock.configName}:`, ...lines]);
    });
}
