import { Command, Option } from "commander";
import type { App, Target } from "../app.js";

const STAGES: readonly Target[] = ["kernel", "busybox", "rootfs"];

export function verifyCommand(app: App): Command {
  return new Command("verify")
    .description(
      "build again under hostile conditions and compare every file; exit 1 when one differs",
    )
    .addOption(new Option("--stage <name...>", "only these (default: all of them)").choices(STAGES))
    .option(
      "--manifest <file>",
      "compare with a colleague's manifest.json instead of building again",
    )
    .action((flags: { stage?: Target[]; manifest?: string }) =>
      app.verify({ stages: flags.stage ?? STAGES, manifest: flags.manifest }),
    );
}
