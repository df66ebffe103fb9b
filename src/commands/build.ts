import { Argument, Command } from "commander";
import type { App, Target } from "../app.js";
import { addBuildFlags, type KeyFlags } from "./flags.js";

const TARGETS: readonly Target[] = ["kernel", "busybox", "rootfs"];

interface BuildFlags extends KeyFlags {
  readonly cache: boolean;
  readonly frozen?: boolean;
}

export function buildCommand(app: App): Command {
  const command = new Command("build")
    .description("build the kernel, busybox and the initramfs in containers")
    .addArgument(new Argument("[target...]", "default: all of them").choices(TARGETS))
    .option("--no-cache", "build images and artifacts anew even when nothing changed")
    .option("--frozen", "refuse whatever differs from kdock.lock, naming each difference (for CI)");
  return addBuildFlags(command).action((targets: Target[], flags: BuildFlags) =>
    app.build(
      {
        targets: targets.length > 0 ? targets : TARGETS,
        noCache: !flags.cache,
        frozen: flags.frozen ?? false,
      },
      flags,
    ),
  );
}
