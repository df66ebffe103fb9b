import { Command } from "commander";
import { relative } from "node:path";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("compose")
    .description("print the compose file of this plan: the same lab with `docker compose up`")
    .option("--unlocked", "leave kdock.lock out: packages as the mirror has them on the day")
    .action(async ({ unlocked = false }: { unlocked?: boolean }) => {
      const { config, plan, ctx } = await kdock.open({ readLock: !unlocked, followBuild: false });
      const { composeFile } = await import("../plan/compose.js");
      const { KDOCK_ROOT } = await import("../../app/project.js");
      // eslint-disable-next-line no-restricted-syntax -- a file
      kdock.world.stdout.write(composeFile(config, plan, relative(ctx.folder, KDOCK_ROOT) || "."));
    });
}
