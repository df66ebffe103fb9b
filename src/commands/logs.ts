import { Command } from "commander";
import type { App } from "../app.js";

export function logsCommand(app: App): Command {
  return new Command("logs")
    .description("print what the guest has said on its console")
    .argument("[vm]", "its name, when there are several")
    .option("-f, --follow", "and go on printing")
    .action((vm: string | undefined, flags: { follow?: boolean }) =>
      app.logs({ vm, follow: flags.follow ?? false }),
    );
}
