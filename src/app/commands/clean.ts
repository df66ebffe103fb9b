import { Command } from "commander";
import type { Kdock } from "../kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("clean")
    .description("remove this project's containers, network and object files")
    .option(
      "--all",
      "also sources, artifacts (.kdock), and the images and compiler cache that projects share",
    )
    .option("-n, --dry-run", "only list what would be removed")
    .action(async ({ all = false, dryRun = false }: { all?: boolean; dryRun?: boolean }) => {
      const { ctx, plan } = await kdock.open();
      const { findCleanupTargets, removeCleanupTargets } = await import("../steps/clean.js");
      const targets = await findCleanupTargets(ctx, plan, all);
      if (!dryRun) await removeCleanupTargets(ctx, targets);
      const verb = dryRun ? "would remove" : "removed";
      const lines = targets.map(({ kind, name }) => `${verb} ${kind} ${name}`);
      kdock
        .printer("clean")
        .result(
          { dryRun, leavings: targets.map(({ kind, name }) => ({ kind, name })) },
          lines.length > 0 ? lines : ["nothing to remove"],
        );
    });
}
