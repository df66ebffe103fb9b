import { isDeepStrictEqual } from "node:util";
import { KdockError } from "../../core/errors.js";
import { lockChanges } from "../lock/changes.js";
import {
  lockDrift,
  type Wanted,
  wantedOf,
  withConfigDigest,
  withoutConfigDigests,
  withWanted,
} from "../lock/drift.js";
import { joinLock, keptOfOthers } from "../lock/engine-view.js";
import { EMPTY_LOCK, type Lock } from "../lock/lock.js";
import { withResolvedSource } from "../lock/resolved.js";
import { printLock } from "../lock/lock-text.js";
import {
  withoutParts,
  isNothing,
  keptRequests,
  lockRequests,
  type LockRequests,
  matrixConfigs,
  missingRequests,
  prune,
} from "../lock/requests.js";
import { toolchainDrift } from "../lock/toolchain-drift.js";
import type { UpdatePart } from "../../core/plan/choices.js";
import type { EngineArchitecture } from "../../core/plan/architectures.js";
import { FOLDER } from "../../core/plan/names.js";
import { type Project, relocked } from "../project.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { readManifest } from "../../core/steps/artifact-store.js";
import { ensureImage } from "./builder-image.js";
import { inProject, projectMutex } from "../../core/steps/context.js";
import { resolveLock } from "./resolve-lock.js";
import { resolveSource } from "./resolve-source.js";
import { configureOnly } from "./run-build.js";
import { runStep } from "../../core/steps/run-step.js";

/** The project with a complete lock; missing entries are resolved and written to kdock.lock. */
export async function ensureLocked(project: Project): Promise<Project> {
  const resolved = await newlyResolved(project);
  if (resolved === undefined) return project;
  warnToolchainDrift(project, resolved);
  return save(project, { ...resolved, kdock: project.ctx.version });
}

/** The same without writing kdock.lock, for a variant of the project. */
export async function resolvedFor(project: Project): Promise<Project> {
  const resolved = await newlyResolved(project);
  return resolved === undefined ? project : relocked(project, resolved);
}

/** The lock with missing entries resolved; undefined if there are none. */
async function newlyResolved(project: Project): Promise<Lock | undefined> {
  const lock = project.lock ?? EMPTY_LOCK;
  const resolved = await resolveAll(project, lock, { freshBase: false });
  return resolved === lock ? undefined : resolved;
}

/**
 * Resolves all missing entries. The version of a git source is resolved in the builder, and may need another builder: then there
 * is a second round.
 */
async function resolveAll(
  project: Project,
  lock: Lock,
  options: { freshBase: boolean },
): Promise<Lock> {
  const { ctx, config, plan } = project;
  let resolved = lock;
  for (;;) {
    const missing = missingRequests(resolved, requests(project, resolved), config);
    if (isNothing(missing)) return resolved;
    resolved = await resolveLock(
      ctx,
      { config, engine: plan.engine, names: plan.names },
      resolved,
      missing,
      options,
    );
    for (const source of missing.sources.filter(({ inBuilder }) => inBuilder)) {
      const builder = relocked(project, resolved).plan[source.kind];
      const found = await resolveSource(ctx, builder, source.spec);
      resolved = withResolvedSource(resolved, source, found, ctx.host.now());
    }
  }
}

function requests({ ctx, config, user, plan }: Project, lock: Lock): LockRequests {
  return lockRequests(config, plan.engine, ctx.assets, { lock, user });
}

/** `kdock lock`: resolves missing entries and those to update, and removes entries that are not requested any more. */
export async function updateLock(
  project: Project,
  update: readonly UpdatePart[],
): Promise<{ project: Project; changes: string[] }> {
  const { ctx } = project;
  await using _mutex = await projectMutex(ctx);
  const before = project.lock ?? EMPTY_LOCK;
  const known = withoutParts(before, update);
  const options = { freshBase: update.length > 0 };
  const resolved = await lockMatrix(project, await resolveAll(project, known, options));
  const kept = (of: Lock, engine: EngineArchitecture) =>
    prune(
      of,
      keptRequests(project.config, engine, ctx.assets, { lock: resolved, user: project.user }),
    );
  const others = keptOfOthers(project.others, (lock, engine) =>
    kept(withoutParts(lock, update), engine),
  );
  const pruned = withWanted(
    kept(resolved, project.plan.engine),
    wanted(relocked(project, resolved)),
    ctx.version,
  );
  warnToolchainDrift({ ...project, others }, pruned);
  const changes = lockChanges(before, pruned);
  const saved = await save(
    project,
    changes.length > 0 ? withoutConfigDigests(pruned) : pruned,
    others,
  );
  const configured = await lockConfigs(saved);
  return { ...configured, changes: [...changes, ...configured.changes] };
}

/** Warns if engines of other architectures have other compilers: their builds may differ. */
function warnToolchainDrift({ ctx, plan, others }: Project, lock: Lock): void {
  const drift = toolchainDrift(lock, plan.engine, others);
  if (drift.length === 0) return;
  const hint =
    "their builds may differ; `kdock lock --update toolchain` on both locks the current versions";
  ctx.reporter.emit({ type: "warning", text: `${FOLDER.lockfile}: ${drift.join(", ")}: ${hint}` });
}

/** Resolves the kernels of the matrix one after the other: each may need another suite. */
async function lockMatrix(project: Project, lock: Lock): Promise<Lock> {
  let locked = lock;
  for (const config of matrixConfigs(project.config)) {
    locked = await resolveAll({ ...project, config }, locked, { freshBase: false });
  }
  return locked;
}

/** Locks the final .configs. Only builders can resolve options: a stage without a locked .config is configured once. */
async function lockConfigs(project: Project): Promise<{ project: Project; changes: string[] }> {
  let locked = project;
  const changes: string[] = [];
  for (const stage of ["kernel", "busybox"] as const) {
    const { lock } = locked;
    if (lock === undefined || lock.stages[stage]?.config !== undefined) continue;
    const digest = await finalConfig(locked, stage);
    if (digest === undefined) continue;
    changes.push(`${stage}: final .config ${digest.slice(0, 16)}…`);
    locked = await save(locked, withConfigDigest(lock, stage, digest));
  }
  return { project: locked, changes };
}

/** The digest of the final .config, from the artifacts or by running configure only. */
async function finalConfig(
  { ctx, plan }: Project,
  stage: "kernel" | "busybox",
): Promise<string | undefined> {
  const build = plan[stage];
  const built = configDigest(await readManifest(ctx, stage, build.key));
  if (built !== undefined) return built;
  await ensureImage(ctx, build.image, { noCache: false });
  return runStep(ctx, `config-${stage}`, `configuration of ${build.title}`, async (log) => ({
    value: await configureOnly(ctx, build, log),
    cached: false,
  }));
}

/** Throws a `config` error with all differences from the lock, if there are any. */
export function requireFrozen(project: Project): Project {
  const { lock, config } = project;
  if (lock === undefined) {
    throw new KdockError("config", `there is no ${FOLDER.lockfile} to build from`, {
      hint: "Run `kdock lock` (or a build without --frozen) and commit the file.",
    });
  }
  const drift = lockDrift(
    lock,
    wanted(project),
    missingRequests(lock, requests(project, lock), config),
  );
  if (drift.length > 0) throw frozenError(drift);
  return project;
}

/** Writes the inputs of a build and the digests of the final configurations to kdock.lock. */
export async function recordBuild(
  project: Project,
  manifests: Readonly<Partial<Record<string, Manifest>>>,
): Promise<Project> {
  const { lock, ctx } = project;
  // Flags and variables are for one build only, and are not locked.
  if (lock === undefined || project.overridden) return project;
  let recorded = withWanted(lock, wanted(project), ctx.version);
  for (const stage of ["kernel", "busybox"] as const) {
    const digest = configDigest(manifests[stage]);
    if (digest !== undefined) recorded = withConfigDigest(recorded, stage, digest);
  }
  return save(project, recorded);
}

/** Throws if a stage's final configuration differs from the locked one, although its inputs do not. */
export function requireSameConfig(project: Project, stage: "kernel" | "busybox", made: Manifest) {
  const locked = project.lock?.stages[stage]?.config;
  const digest = configDigest(made);
  if (locked === undefined || digest === undefined || locked === digest) return;
  throw frozenError([
    `${stage}: the final .config is ${digest.slice(0, 16)}…, not ${locked.slice(0, 16)}…`,
  ]);
}

function frozenError(drift: readonly string[]): KdockError {
  return new KdockError(
    "config",
    [`the project differs from ${FOLDER.lockfile}:`, ...drift].join("\n  "),
    { hint: "Undo these changes, or build without --frozen and commit the new kdock.lock." },
  );
}

function configDigest(manifest: Manifest | undefined): string | undefined {
  const names = ["config", "busybox.config"];
  return manifest?.files.find(({ path }) => names.includes(path))?.sha256;
}

function wanted({ plan, ctx }: Project): Wanted {
  return wantedOf(plan, ctx.assets);
}

async function save(project: Project, lock: Lock, others = project.others): Promise<Project> {
  const { ctx, plan } = project;
  const isSame = isDeepStrictEqual([project.lock, project.others], [lock, others]);
  if (!isSame) {
    await ctx.host.files.writeAtomic(
      inProject(ctx, FOLDER.lockfile),
      printLock(joinLock(lock, plan.engine, others)),
    );
  }
  return { ...relocked(project, lock), others };
}
