import { Command } from "commander";
import type { App } from "../app.js";

export function consoleCommand(app: App): Command {
  return new Command("console")
    .description("attach to the console of the running VM; Ctrl-] detaches")
    .argument("[vm]", "its name, when there are several")
    .action((vm: string | undefined) => app.console({ vm }));
}
