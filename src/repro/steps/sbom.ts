import { KdockError } from "../../core/errors.js";
import type { Lock } from "../../build/lock/lock.js";
import { lenders } from "../../build/lock/requests.js";
import type { Plan } from "../../build/plan/plan.js";
import { sbomOf } from "../plan/sbom.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { readCurrentManifest } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";
import { currentSetKey } from "./diff.js";

/**
 * The bill of materials of the current artifact set. Rejects with a `usage` error when there is none, when nothing is
 * locked, and when the set comes from something else than the lock says: a bill that might be wrong is worse than none.
 */
export async function makeSbom(ctx: Context, plan: Plan, lock: Lock | undefined): Promise<string> {
  if (lock === undefined) throw notYet("nothing is locked yet");
  const setKey = await currentSetKey(ctx);
  if (setKey === undefined) throw notYet("there is no current artifact set");
  const manifests = {
    kernel: await currentManifest(ctx, "kernel"),
    busybox: await currentManifest(ctx, "busybox"),
    rootfs: await currentManifest(ctx, "rootfs"),
  };
  for (const stage of ["kernel", "busybox"] as const) {
    // The image's key stands for all of its packages.
    if (manifests[stage].inputs["image"] !== plan[stage].image.key) {
      throw notYet(`the current ${stage} was built by another image than kdock.lock describes`);
    }
  }
  return sbomOf({
    manifests,
    lock,
    setKey,
    lenders: lenders(ctx.assets),
    kdockVersion: ctx.version,
  });
}

async function currentManifest(ctx: Context, stage: string): Promise<Manifest> {
  const manifest = await readCurrentManifest(ctx, stage);
  if (manifest === undefined) throw notYet(`the current artifact set has no ${stage} any more`);
  return manifest;
}

function notYet(message: string): KdockError {
  return new KdockError("usage", message, { hint: "Run `kdock build` first." });
}
