import { Argument, Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { KdockError } from "../../core/errors.js";
import { type Target, TARGETS } from "../../core/plan/choices.js";
import { addBuildFlags } from "../../app/key-options.js";

interface BuildFlags extends KeyFlags {
  readonly cache: boolean;
  readonly frozen?: boolean;
}

export function define(kdock: Kdock): Command {
  const command = new Command("build")
    .description("build the kernel, busybox and the initramfs in containers")
    .addArgument(new Argument("[target...]", "default: all of them").choices(TARGETS))
    .option("--no-cache", "build images and artifacts again even if they are up to date")
    .option(
      "--frozen",
      "fail if anything differs from kdock.lock, and list the differences (for CI)",
    );
  return addBuildFlags(command).action(async (targets: Target[], flags: BuildFlags) => {
    await refuseKernelKey(flags);
    const frozen = flags.frozen ?? false;
    const [project, { build }] = await Promise.all([
      kdock.open({ flags, readLock: true, followBuild: !frozen, willBuild: true }),
      import("../steps/build.js"),
    ]);
    const { result } = await build(project, {
      targets: targets.length > 0 ? targets : TARGETS,
      noCache: !flags.cache,
      frozen,
    });
    const lines = result.current === undefined ? [] : [`artifacts: ${result.current}`];
    kdock.printer("build").result(result, lines);
  });
}

/** A key names a kernel that is built already. */
async function refuseKernelKey({ kernel }: KeyFlags): Promise<void> {
  const { isKernelKey } = await import("../plan/built-kernels.js");
  if (typeof kernel !== "string" || !isKernelKey(kernel)) return;
  throw new KdockError(
    "usage",
    `--kernel ${kernel} is the key of a kernel, but a build needs a source`,
    {
      hint: `\`kdock run --kernel ${kernel}\` boots that kernel; a source is, for example, debian:6.12.`,
    },
  );
}
