import { readResolved, type Resolved } from "../lock/resolved.js";
import type { BuildPlan } from "../plan/build-plan.js";
import { ensureImage } from "./builder-image.js";
import type { Context } from "../../core/steps/context.js";
import { askForSource } from "./run-build.js";
import { runStep } from "../../core/steps/run-step.js";

/**
 * Resolves a source in its builder: the base image has neither gpgv, xz and git, nor certificates for https. Downloads stay in
 * the source's volume, for the build.
 */
export async function resolveSource(
  ctx: Context,
  plan: BuildPlan,
  spec: string,
): Promise<Resolved> {
  await ensureImage(ctx, plan.image, { noCache: false });
  return runStep(ctx, "lock-source", `source ${spec}`, async (log) => ({
    value: readResolved(await askForSource(ctx, plan, spec, log)),
    cached: false,
  }));
}
