import type { BuildPlan } from "../plan/build-plan.js";
import { isTainted, withOwnCache } from "../plan/compiler-cache.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { LABEL, labels, projectNames, VERIFIED_CCACHE_VOLUME } from "../../core/plan/names.js";
import type { Context } from "../../core/steps/context.js";

/**
 * Creates a builder's volumes and resolves with the container to run. It uses the project's own compiler cache if unverified
 * code runs in it, or may have written to the volumes.
 */
export async function ensureVolumes(
  ctx: Context,
  plan: BuildPlan,
  spec: ContainerSpec,
): Promise<ContainerSpec> {
  const engine = await ctx.engine();
  const names = projectNames(ctx.folder);
  const hasOwn = plan.code === "project" || (plan.code === "verified" && (await taints()));
  // Created even if the container uses no cache: its existence records that the project's code has run.
  const own = hasOwn ? { [names.ccacheVolume]: labels("ccache", names.id) } : {};
  const others = Object.entries(plan.volumes).filter(
    ([name]) => !hasOwn || name !== VERIFIED_CCACHE_VOLUME,
  );
  const wanted = { ...own, ...Object.fromEntries(others) };
  await Promise.all(Object.entries(wanted).map(([name, its]) => engine.ensureVolume(name, its)));
  return hasOwn ? withOwnCache(spec, names) : spec;

  async function taints(): Promise<boolean> {
    return isTainted(plan.volumes, await engine.listVolumes({ [LABEL.project]: names.id }), names);
  }
}
