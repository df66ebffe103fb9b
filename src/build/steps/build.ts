import { checkBootRequests } from "../plan/boot-needs.js";
import type { BuildPlan } from "../plan/build-plan.js";
import { checkCompiler } from "../plan/compiler-bounds.js";
import { requestedConfig } from "../../core/plan/kconfig.js";
import { counted } from "../../core/plan/counted.js";
import { changedInputs } from "../../core/plan/keys.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { FOLDER } from "../../core/plan/names.js";
import { givenFiles } from "../plan/rootfs-plan.js";
import type { Target } from "../../core/plan/choices.js";
import { type Project, replanned } from "../project.js";
import {
  makeSet,
  pointCurrent,
  readCurrentManifest,
  readManifest,
} from "../../core/steps/artifact-store.js";
import { ensureImage } from "./builder-image.js";
import { checkTree } from "./check-tree.js";
import { type Context, inProject, projectMutex } from "../../core/steps/context.js";
import { writeGdbScripts } from "./gdb-script.js";
import { ensureLocked, recordBuild, requireFrozen, requireSameConfig } from "./lock.js";
import { packRootfs } from "./pack-rootfs.js";
import { runBuild } from "./run-build.js";
import { readUserFiles } from "./read-user-files.js";
import { runStep } from "../../core/steps/run-step.js";
import { SourceChangedError } from "./source-changed.js";

export interface BuildOptions {
  readonly targets: readonly Target[];
  /** Build images and artifacts even if they are up to date. */
  readonly noCache: boolean;
  /** Fail on differences from kdock.lock instead of updating it. */
  readonly frozen: boolean;
  /** For builds of other kernels, as in a matrix: keeps `current`, and prints no changes since then. */
  readonly aside?: boolean;
}

export interface BuildResult {
  /** Absolute path of `current`; undefined if only a part was built. */
  readonly current: string | undefined;
  readonly manifests: Readonly<Partial<Record<Target, Manifest>>>;
}

/**
 * Builds the stages that are out of date, under the project's lock, and points `current` at the complete set. Returns the
 * project with the lock of the build: its plan has the keys. Does nothing for a kernel that was selected by its key.
 */
export async function build(
  project: Project,
  options: BuildOptions,
): Promise<{ project: Project; result: BuildResult }> {
  const { ctx } = project;
  if (project.built !== undefined) {
    return { project, result: { current: undefined, manifests: {} } };
  }
  if (project.followsBuild) noticeArchitecture(ctx, project.config.kernel.arch);
  await using _mutex = await projectMutex(ctx);
  checkToolchain(project, options);
  if (options.targets.includes("kernel")) {
    checkTree(project.plan.kernel);
    checkRequests(project);
  }
  const locked = options.frozen ? requireFrozen(project) : await ensureLocked(project);
  // The version of a git source is known only now.
  checkToolchain(locked, options);
  const { project: built, manifests } = await buildWithRetry(locked, options);
  const recorded = options.frozen ? built : await recordBuild(built, manifests);
  return {
    project: recorded,
    result: { current: await current(recorded, manifests, options), manifests },
  };
}

/** Builds once more if the local tree was edited meanwhile. */
async function buildWithRetry(
  project: Project,
  options: BuildOptions,
): Promise<{ project: Project; manifests: BuildResult["manifests"] }> {
  try {
    return { project, manifests: await buildStages(project, options) };
  } catch (error) {
    if (!(error instanceof SourceChangedError)) throw error;
    const { ctx, config } = project;
    ctx.reporter.emit({ type: "notice", text: `${error.message}: building again` });
    const again = replanned(project, { user: await readUserFiles(ctx, config) });
    checkToolchain(again, options);
    checkTree(again.plan.kernel);
    return { project: again, manifests: await buildStages(again, options) };
  }
}

function checkToolchain({ plan }: Project, { targets }: BuildOptions): void {
  const { version, asked } = plan.kernel;
  if (version === undefined || !targets.includes("kernel")) return;
  checkCompiler(version, asked["toolchain"] ?? "");
}

/** Rejects options that no guest boots with, before anything is compiled. */
function checkRequests({ config: { kernel }, plan, user }: Project): void {
  const asked = requestedConfig(user.kernelFragments, kernel.set);
  checkBootRequests({ preset: user.kernelPreset ?? "", user: asked }, plan.rootfs.init);
}

/** Prints that the architecture of the last build is used, as in `kdock build --arch arm64 && kdock run`. */
function noticeArchitecture(ctx: Context, arch: string): void {
  const text = `architecture ${arch}, like the last build (--arch or kernel.arch names another)`;
  ctx.reporter.emit({ type: "notice", text });
}

/** Builds the stages of a project whose mutex is held and whose lock is complete; keeps `current`. */
export async function buildStages(
  project: Project,
  { targets, noCache, frozen, aside = false }: BuildOptions,
): Promise<BuildResult["manifests"]> {
  const { ctx, plan } = project;
  const wanted = withRequirements(targets);
  const manifests: Partial<Record<Target, Manifest>> = {};
  for (const stage of ["kernel", "busybox"] as const) {
    if (!wanted.has(stage)) continue;
    const manifest = await buildStage(ctx, plan[stage], { noCache, aside });
    if (frozen) requireSameConfig(project, stage, manifest);
    manifests[stage] = manifest;
  }
  if (wanted.has("rootfs")) manifests.rootfs = await rootfsStage(project, { noCache, aside });
  return manifests;
}

async function current(
  { ctx, plan }: Project,
  manifests: BuildResult["manifests"],
  { aside = false }: BuildOptions,
): Promise<string | undefined> {
  const whole =
    (manifests.kernel ?? (await readManifest(ctx, "kernel", plan.kernel.key))) !== undefined &&
    (manifests.rootfs ?? (await readManifest(ctx, "rootfs", plan.rootfs.key))) !== undefined;
  if (!whole) return undefined;
  const stages = {
    kernel: plan.kernel.key,
    busybox: plan.busybox.key,
    rootfs: plan.rootfs.key,
  };
  await makeSet(ctx, plan.setKey, stages);
  if (aside) return undefined;
  await pointCurrent(ctx, plan.setKey);
  await writeGdbScripts(ctx, plan);
  return inProject(ctx, FOLDER.current);
}

function withRequirements(targets: readonly Target[]): ReadonlySet<Target> {
  const wanted = new Set(targets);
  // The rootfs contains busybox.
  if (wanted.has("rootfs")) wanted.add("busybox");
  return wanted;
}

type StageOptions = Required<Pick<BuildOptions, "noCache" | "aside">>;

async function buildStage(
  ctx: Context,
  plan: BuildPlan,
  { noCache, aside }: StageOptions,
): Promise<Manifest> {
  const there = noCache ? undefined : await readManifest(ctx, plan.stage, plan.key);
  if (there !== undefined) return upToDate(ctx, plan.stage, plan.title, there);
  if (!aside) await noticeChanges(ctx, plan.stage, plan.inputs);
  const image = await ensureImage(ctx, plan.image, { noCache });
  return runStep(ctx, plan.stage, plan.title, async (log) => {
    const manifest = await runBuild(ctx, plan, image, log);
    return { value: manifest, cached: false, summary: summaryOf(manifest) };
  });
}

async function rootfsStage(
  { ctx, plan, user, config }: Project,
  { noCache, aside }: StageOptions,
): Promise<Manifest> {
  const title = "initramfs";
  const there = noCache ? undefined : await readManifest(ctx, "rootfs", plan.rootfs.key);
  if (there !== undefined) return upToDate(ctx, "rootfs", title, there);
  if (!aside) await noticeChanges(ctx, "rootfs", plan.rootfs.inputs);
  return runStep(ctx, "rootfs", title, async () => {
    const manifest = await packRootfs(ctx, plan.rootfs, plan.busybox.key, givenFiles(config, user));
    return { value: manifest, cached: false, summary: summaryOf(manifest) };
  });
}

function upToDate(ctx: Context, stage: string, title: string, manifest: Manifest) {
  return runStep(ctx, stage, title, () =>
    Promise.resolve({ value: manifest, cached: true, summary: summaryOf(manifest) }),
  );
}

/** Prints the inputs that changed since the current set. */
async function noticeChanges(
  ctx: Context,
  stage: string,
  inputs: Manifest["inputs"],
): Promise<void> {
  const before = await readCurrentManifest(ctx, stage);
  if (before === undefined) return;
  const changes = changedInputs(before.inputs, inputs);
  if (changes.length === 0) return;
  ctx.reporter.emit({
    type: "notice",
    text: `${stage}: changed since the last build: ${shortList(changes)}`,
  });
}

const MOST_CHANGES = 12;

/** Limited: all files of an overlay may have changed. */
function shortList(changes: readonly string[]): string {
  const more = changes.length - MOST_CHANGES;
  const named = changes.slice(0, MOST_CHANGES).join(", ");
  return more > 0 ? `${named} and ${more} more` : named;
}

function summaryOf(manifest: Manifest): string {
  const { resolved, files } = manifest;
  return resolved["release"] ?? resolved["source-origin"] ?? counted(files.length, "file");
}
