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
  forget,
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

/** The project under a lock that answers all it asks for; what was not locked is resolved and written down. */
export async function ensureLocked(project: Project): Promise<Project> {
  const resolved = await newlyResolved(project);
  if (resolved === undefined) return project;
  sayDrift(project, resolved);
  return save(project, { ...resolved, kdock: project.ctx.version });
}

/** The same for a variation of the project that is only looked at: nothing is written down. */
export async function resolvedFor(project: Project): Promise<Project> {
  const resolved = await newlyResolved(project);
  return resolved === undefined ? project : relocked(project, resolved);
}

/** The lock with what it lacked; undefined when it answers all that the project asks for. */
async function newlyResolved(project: Project): Promise<Lock | undefined> {
  const lock = project.lock ?? EMPTY_LOCK;
  const resolved = await resolveAll(project, lock, { freshBase: false });
  return resolved === lock ? undefined : resolved;
}

/**
 * `lock` with everything in it that the project asks for. Of a git source only the builder finds out the version, which
 * may want another builder: then there is a second round.
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

/** `kdock lock`: resolves what is missing and what is to be updated, and forgets what nobody asks for any more. */
export async function updateLock(
  project: Project,
  update: readonly UpdatePart[],
): Promise<{ project: Project; changes: string[] }> {
  const { ctx } = project;
  await using _mutex = await projectMutex(ctx);
  const before = project.lock ?? EMPTY_LOCK;
  const known = forget(before, update);
  const options = { freshBase: update.length > 0 };
  const resolved = await lockMatrix(project, await resolveAll(project, known, options));
  const kept = (of: Lock, engine: EngineArchitecture) =>
    prune(
      of,
      keptRequests(project.config, engine, ctx.assets, { lock: resolved, user: project.user }),
    );
  const others = keptOfOthers(project.others, (lock, engine) => kept(forget(lock, update), engine));
  const pruned = withWanted(
    kept(resolved, project.plan.engine),
    wanted(relocked(project, resolved)),
    ctx.version,
  );
  sayDrift({ ...project, others }, pruned);
  const changes = lockChanges(before, pruned);
  const saved = await save(
    project,
    changes.length > 0 ? withoutConfigDigests(pruned) : pruned,
    others,
  );
  const configured = await lockConfigs(saved);
  return { ...configured, changes: [...changes, ...configured.changes] };
}

/** A team with engines of two architectures gets the same bytes from the same compilers only. */
function sayDrift({ ctx, plan, others }: Project, lock: Lock): void {
  const drift = toolchainDrift(lock, plan.engine, others);
  if (drift.length === 0) return;
  const hint =
    "what they build may differ; `kdock lock --update toolchain` on both pins what there is today";
  ctx.reporter.emit({ type: "warning", text: `${FOLDER.lockfile}: ${drift.join(", ")}: ${hint}` });
}

/** The kernels of the matrix, one after the other: each may be of a suite of its own. */
async function lockMatrix(project: Project, lock: Lock): Promise<Lock> {
  let locked = lock;
  for (const config of matrixConfigs(project.config)) {
    locked = await resolveAll({ ...project, config }, locked, { freshBase: false });
  }
  return locked;
}

/** What the options come to is known only to the builders: those whose final .config is not locked configure once. */
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

/** Of the build that there is, or of one that goes no further than that. */
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

/** Rejects with a `config` error that names each difference, unless everything is as it was locked. */
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

/** After a build: what it was made from, and the digests of the final configurations. */
export async function recordBuild(
  project: Project,
  manifests: Readonly<Partial<Record<string, Manifest>>>,
): Promise<Project> {
  const { lock, ctx } = project;
  // Flags and variables are for one build; the lock is for what kdock.yaml asks for.
  if (lock === undefined || project.overridden) return project;
  let recorded = withWanted(lock, wanted(project), ctx.version);
  for (const stage of ["kernel", "busybox"] as const) {
    const digest = configDigest(manifests[stage]);
    if (digest !== undefined) recorded = withConfigDigest(recorded, stage, digest);
  }
  return save(project, recorded);
}

/** Rejects when a stage's final configuration is not the locked one, though everything it is made from is. */
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
    [`this is not what ${FOLDER.lockfile} says:`, ...drift].join("\n  "),
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
