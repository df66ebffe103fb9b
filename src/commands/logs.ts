import { Command } from "commander";
import type { App } from "../app.js";

export function logsCommand(app: App): Command {
  return new Command("logs")
    .description("print what the guest has said on its console")
    .option("-f, --follow", "and go on printing")
    .action((flags: { follow?: boolean }) => app.logs(flags.follow ?? false));
}
