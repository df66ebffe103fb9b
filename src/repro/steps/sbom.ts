import { KdockError } from "../../core/errors.js";
import type { Lock } from "../../build/lock/lock.js";
import { suiteByPackage } from "../../build/lock/requests.js";
import type { Plan } from "../../build/plan/plan.js";
import { sbomOf } from "../plan/sbom.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { readCurrentManifest } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";
import { currentSetKey } from "./diff.js";

/**
 * The bill of materials of the current artifact set. Rejects with a `usage` error if there is none, if there is no lock, and if
 * the set was not built with the lock.
 */
export async function makeSbom(ctx: Context, plan: Plan, lock: Lock | undefined): Promise<string> {
  if (lock === undefined) throw buildFirst("there is no kdock.lock");
  const setKey = await currentSetKey(ctx);
  if (setKey === undefined) throw buildFirst("there is no current artifact set");
  const manifests = {
    kernel: await currentManifest(ctx, "kernel"),
    busybox: await currentManifest(ctx, "busybox"),
    rootfs: await currentManifest(ctx, "rootfs"),
  };
  for (const stage of ["kernel", "busybox"] as const) {
    // The image's key covers all of its packages.
    if (manifests[stage].inputs["image"] !== plan[stage].image.key) {
      throw buildFirst(`the current ${stage} was built with another image than kdock.lock names`);
    }
  }
  return sbomOf({
    manifests,
    lock,
    setKey,
    suiteByPackage: suiteByPackage(ctx.assets),
    kdockVersion: ctx.version,
  });
}

async function currentManifest(ctx: Context, stage: string): Promise<Manifest> {
  const manifest = await readCurrentManifest(ctx, stage);
  if (manifest === undefined) throw buildFirst(`the current artifact set has no ${stage} any more`);
  return manifest;
}

function buildFirst(message: string): KdockError {
  return new KdockError("usage", message, { hint: "Run `kdock build` first." });
}
