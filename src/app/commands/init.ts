import { Command } from "commander";
import type { Kdock } from "../kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("init")
    .description("write a commented kdock.yaml")
    .option("-f, --force", "replace a file that is there")
    .action(async ({ force = false }: { force?: boolean }) => {
      const { writeConfig } = await import("../steps/init.js");
      const { initTemplate } = await import("../../config/init-template.js");
      const path = kdock.configPath;
      await writeConfig(await kdock.files(), path, initTemplate(), force);
      kdock.printer("init").result({ path }, [`wrote ${path}`]);
    });
}
