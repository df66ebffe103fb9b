import { Command } from "commander";
import type { App } from "../app.js";

export function composeCommand(app: App): Command {
  return new Command("compose")
    .description("print the compose file of this plan: the same lab with `docker compose up`")
    .option("--unlocked", "leave kdock.lock out: packages as the mirror has them on the day")
    .action((flags: { unlocked?: boolean }) => app.compose(flags.unlocked ?? false));
}
