import { isOnThisMachine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { type SharePlan, shareTransport, type ShareTransport } from "../plan/shares.js";
import { vmShares } from "../plan/vm-plan.js";
import type { Project } from "../../build/project.js";
import { readKernelConfig } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";

/** Rejects when a VM of one of these names cannot have its folders, which is to be known before anything is built. */
export async function checkShares(
  { ctx, config, plan }: Project,
  names: readonly string[],
): Promise<void> {
  const shares = names.flatMap((name) => vmShares(config, plan, name));
  const [first] = shares;
  if (first === undefined) return;
  for (const share of shares) await checkFolder(ctx, share);
  const info = await (await ctx.engine()).info();
  if (isOnThisMachine(info)) return;
  throw new KdockError(
    "environment",
    `the engine at ${info.endpoint} is on another machine, and has no ${first.folder} (vm.shares)`,
    { hint: `Copy what the guest needs once it runs: \`kdock cp ${first.written} :/root/\`.` },
  );
}

async function checkFolder(ctx: Context, { folder, written }: SharePlan): Promise<void> {
  const { files } = ctx.host;
  if (await files.isFolder(folder)) return;
  if (await files.exists(folder)) {
    throw new KdockError("config", `vm.shares: ${written} is not a folder`, {
      hint: "Share the folder that holds it, or take it to the guest with `kdock cp`.",
    });
  }
  throw new KdockError("config", `vm.shares: there is no folder ${written}`, {
    hint: `Make it, or mend the path (kdock looked for ${folder}).`,
  });
}

/**
 * How a VM's kernel mounts its host folders; undefined where it has none, or before it is built. Rejects when it cannot.
 */
export async function transportFor(
  { ctx, config, plan }: Pick<Project, "ctx" | "config" | "plan">,
  name: string,
): Promise<ShareTransport | undefined> {
  if (vmShares(config, plan, name).length === 0) return undefined;
  const kernelConfig = await readKernelConfig(ctx, plan.kernel.key);
  return kernelConfig === undefined ? undefined : shareTransport(kernelConfig);
}
