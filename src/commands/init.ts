import { Command } from "commander";
import type { App } from "../app.js";

export function initCommand(app: App): Command {
  return new Command("init")
    .description("write a commented kdock.yaml")
    .option("-f, --force", "replace a file that is there")
    .action((flags: { force?: boolean }) => app.init(flags.force ?? false));
}
