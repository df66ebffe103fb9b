import { readResolved, type Resolved } from "../lock/resolved.js";
import type { BuildPlan } from "../plan/build-plan.js";
import { ensureImage } from "./builder-image.js";
import type { Context } from "../../core/steps/context.js";
import { askForSource } from "./run-build.js";
import { runStep } from "../../core/steps/run-step.js";

/**
 * What a source is today, asked in its builder: a bare Debian has neither gpgv, xz and git, nor the certificates
 * for https. What had to be downloaded for that stays in the source's volume, for the build.
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
