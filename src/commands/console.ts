import { Command } from "commander";
import type { App } from "../app.js";

export function consoleCommand(app: App): Command {
  return new Command("console")
    .description("attach to the console of the running VM; Ctrl-] detaches")
    .action(() => app.console());
}
