import { Argument, Command } from "commander";
import type { App, Target } from "../app.js";
import { addBuildFlags, type KeyFlags } from "./flags.js";

const TARGETS: readonly Target[] = ["kernel", "busybox", "rootfs"];

export function buildCommand(app: App): Command {
  const command = new Command("build")
    .description("build the kernel, busybox and the initramfs in containers")
    .addArgument(new Argument("[target...]", "default: all of them").choices(TARGETS))
    .option("--no-cache", "build images and artifacts anew even when nothing changed");
  return addBuildFlags(command).action((targets: Target[], flags: KeyFlags & { cache: boolean }) =>
    app.build({ targets: targets.length > 0 ? targets : TARGETS, noCache: !flags.cache }, flags),
  );
}
