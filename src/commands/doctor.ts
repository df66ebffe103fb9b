import { Command } from "commander";
import type { App } from "../app.js";

export function doctorCommand(app: App): Command {
  return new Command("doctor")
    .description("say what is missing on this machine and how to mend it")
    .action(() => app.doctor());
}
