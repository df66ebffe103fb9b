import { Command } from "commander";
import type { App } from "../app.js";

export function stopCommand(app: App): Command {
  return new Command("stop")
    .description("end the VM and remove its container; its console log is kept in .kdock/logs")
    .argument("[vm]", "its name, when there are several")
    .action((vm: string | undefined) => app.stop({ vm }));
}
