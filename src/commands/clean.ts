import { Command } from "commander";
import type { App } from "../app.js";

export function cleanCommand(app: App): Command {
  return new Command("clean")
    .description("remove this project's containers, network and object files")
    .option(
      "--all",
      "also sources, artifacts (.kdock), and the images and compiler cache that projects share",
    )
    .option("-n, --dry-run", "only list what would be removed")
    .action((flags: { all?: boolean; dryRun?: boolean }) =>
      app.clean({ all: flags.all ?? false, dryRun: flags.dryRun ?? false }),
    );
}
