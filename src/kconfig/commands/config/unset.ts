import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("unset")
    .description("remove options from kernel.set of kdock.yaml")
    .argument("<option...>")
    .option("-f, --force", "even if another request needs them")
    .action(async (options: string[], { force = false }: { force?: boolean }) => {
      const { changeSettings } = await import("../../steps/config-set.js");
      const { optionName } = await import("../../../config/kconfig-settings.js");
      const names = options.map(optionName);
      const changes = Object.fromEntries(names.map((name) => [name, undefined]));
      const project = await kdock.openLocked();
      await changeSettings(project, changes, { path: kdock.configPath, force });
      const lines = names.map((name) => `  ${name}`);
      kdock
        .printer("config unset")
        .result({ unset: names }, [`removed from kernel.set of ${kdock.configName}:`, ...lines]);
    });
}
