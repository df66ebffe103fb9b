import { KdockError } from "../../core/errors.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import type { Manifest, ManifestFile } from "../../core/plan/manifest.js";
import { FOLDER, HOSTILE_UID } from "../../core/plan/names.js";
import { hostileImage, VARIED, verifyBuild } from "../plan/verify-plan.js";
import type { Verification, VerifiedStage } from "../plan/verification.js";
import { givenFiles } from "../../build/plan/rootfs-plan.js";
import type { Target } from "../../core/plan/choices.js";
import type { Project } from "../../build/project.js";
import { artifactFolder, readManifest } from "../../core/steps/artifact-store.js";
import { ensureDerived, ensureImage } from "../../build/steps/builder-image.js";
import { inProject, projectMutex } from "../../core/steps/context.js";
import { explain } from "./explain.js";
import { rootfsFiles, writeRootfs } from "../../build/steps/pack-rootfs.js";
import { buildInto } from "../../build/steps/run-build.js";
import { runStep } from "../../core/steps/run-step.js";

/** Builds stages again under varied conditions, and compares every file with the first build. */
export async function verify(project: Project, stages: readonly Target[]): Promise<Verification> {
  const { ctx } = project;
  await using _mutex = await projectMutex(ctx);
  // Check all stages before the first build starts.
  const first = new Map<Target, Manifest>();
  for (const stage of stages) first.set(stage, await built(project, stage));
  const results: VerifiedStage[] = [];
  for (const [stage, manifest] of first) results.push(await verifyStage(project, stage, manifest));
  return {
    equal: results.every(({ differing }) => differing.length === 0),
    varied: VARIED,
    stages: results,
  };
}

async function built({ ctx, plan }: Project, stage: Target): Promise<Manifest> {
  const manifest = await readManifest(ctx, stage, plan[stage].key);
  if (manifest !== undefined) return manifest;
  throw new KdockError("usage", `there is no ${stage} to verify: it is not built, or out of date`, {
    hint: "Run `kdock build` first; `kdock verify` builds it a second time and compares.",
  });
}

async function verifyStage(
  project: Project,
  stage: Target,
  manifest: Manifest,
): Promise<VerifiedStage> {
  const { ctx, plan } = project;
  const startedAt = ctx.host.now();
  const kept = inProject(ctx, `${FOLDER.verify}/${stage}`);
  await ctx.host.files.remove(kept);
  const folder = await ctx.host.files.makeTemporary(kept);
  let second: SecondBuild | undefined;
  try {
    if (stage !== "rootfs") second = await secondBuild(project, plan[stage]);
    const files =
      second === undefined ? await packAgain(project, folder) : await second.run(folder);
    const differing = differingFiles(manifest.files, files);
    const explanations =
      differing.length === 0
        ? []
        : await explain(ctx, plan, {
            files: differing,
            first: artifactFolder(ctx, stage, manifest.key),
            second: folder,
            plan: second?.plan,
            objects: second?.objects,
          });
    if (differing.length > 0) await ctx.host.files.replace(folder, kept);
    return {
      stage,
      key: manifest.key,
      files: files.length,
      differing,
      explanations,
      kept: differing.length > 0 ? kept : undefined,
      ms: ctx.host.now() - startedAt,
    };
  } finally {
    await ctx.host.files.remove(folder);
    await second?.[Symbol.asyncDispose]();
  }
}

interface SecondBuild extends AsyncDisposable {
  readonly plan: BuildPlan;
  /** The volume with its objects, until it is disposed of. */
  readonly objects: string;
  run(folder: string): Promise<ManifestFile[]>;
}

async function secondBuild({ ctx, plan }: Project, build: BuildPlan): Promise<SecondBuild> {
  const engine = await ctx.engine();
  await ensureImage(ctx, build.image, { noCache: false });
  const image = hostileImage(build.image, ctx.assets);
  await ensureDerived(ctx, image);
  const { cpus } = await engine.info();
  const { container, volumes, objects } = verifyBuild(build, plan.names, image, cpus);
  const removeVolumes = async () => {
    for (const name of Object.keys(volumes)) await engine.removeVolume(name).catch(() => undefined);
  };
  return {
    plan: build,
    objects,
    // Removes volumes of a verification that was killed: this must be a clean build.
    run: async (folder) => {
      await removeVolumes();
      return runStep(ctx, `verify-${build.stage}`, `${build.title}, again`, async (log) => ({
        value: await buildInto(
          ctx,
          { ...build, volumes, uid: HOSTILE_UID },
          container,
          folder,
          log,
        ),
        cached: false,
      }));
    },
    [Symbol.asyncDispose]: removeVolumes,
  };
}

/** Packs the first build's busybox; whether that is reproducible is the result of its own stage. */
async function packAgain(
  { ctx, config, plan, user }: Project,
  folder: string,
): Promise<ManifestFile[]> {
  return runStep(ctx, "verify-rootfs", "initramfs, again", async () => {
    const entries = await rootfsFiles(ctx, plan.busybox.key, givenFiles(config, user));
    // The result must not depend on the order of entries.
    return { value: [await writeRootfs(ctx, folder, entries.reverse())], cached: false };
  });
}

/** The sorted paths that differ. */
export function differingFiles(
  first: readonly ManifestFile[],
  second: readonly ManifestFile[],
): string[] {
  const hashes = (files: readonly ManifestFile[]) =>
    new Map(files.map(({ path, kind, sha256, target }) => [path, `${kind} ${sha256} ${target}`]));
  const [a, b] = [hashes(first), hashes(second)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((p) => a.get(p) !== b.get(p)).sort();
}
