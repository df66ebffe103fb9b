import { z } from "zod";
import { KdockError } from "../../core/errors.js";
import { changedInputs } from "../../core/plan/keys.js";
import type { ManifestComparison } from "../plan/verification.js";
import type { Project } from "../../build/project.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { readManifest } from "../../core/steps/artifact-store.js";
import { differingFiles } from "./verify.js";

const ManifestFileShape = z.object({
  path: z.string(),
  kind: z.enum(["file", "symlink"]),
  size: z.number(),
  sha256: z.string(),
  target: z.string(),
});

const ManifestShape = z.object({
  kdock: z.literal(1),
  stage: z.enum(["kernel", "busybox", "rootfs"]),
  key: z.string(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  resolved: z.record(z.string(), z.string()),
  files: z.array(ManifestFileShape),
});

/** Compares the local build with a manifest from another machine, by the hashes of files. */
export async function compareWithManifest(
  { ctx, plan }: Project,
  path: string,
): Promise<ManifestComparison> {
  const theirs = parseManifest(await ctx.host.files.readText(path), path);
  const ours = await readManifest(ctx, theirs.stage, plan[theirs.stage].key);
  if (ours === undefined) {
    throw new KdockError("usage", `there is no ${theirs.stage} to compare with`, {
      hint: "Run `kdock build` first.",
    });
  }
  const differing = differingFiles(theirs.files, ours.files);
  return {
    stage: theirs.stage,
    equal: differing.length === 0,
    inputs: [
      ...changedInputs(theirs.inputs, ours.inputs),
      ...changedInputs(theirs.resolved, ours.resolved),
    ],
    differing,
    files: ours.files.length,
  };
}

function parseManifest(
  text: string | undefined,
  path: string,
): Omit<Manifest, "stage"> & { stage: "kernel" | "busybox" | "rootfs" } {
  const hint = "Give the manifest.json of a .kdock/out/<stage>/<key> of another machine.";
  if (text === undefined) throw new KdockError("usage", `there is no file ${path}`, { hint });
  try {
    return ManifestShape.parse(JSON.parse(text));
  } catch (error) {
    throw new KdockError("usage", `${path} is not a manifest of kdock`, { hint, cause: error });
  }
}
