import { KdockError, messageOf } from "../../core/errors.js";
import {
  bisectBuild,
  bisectConfig,
  bisectContainer,
  BisectState,
  type BisectStatus,
  type Mark,
  markOf,
  readBisect,
  repositoryFolder,
  repositoryOf,
  startArguments,
} from "../plan/bisect.js";
import type { BisectOrder } from "../plan/bisect-order.js";
import { FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { TARGETS } from "../../core/plan/choices.js";
import { NEWEST, toolchainFor } from "../../build/plan/toolchain.js";
import type { LocalRepository } from "../../core/local-repository.js";
import { type Project, replanned } from "../../build/project.js";
import { makeSet, readManifest } from "../../core/steps/artifact-store.js";
import { buildStages } from "../../build/steps/build.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, inProject, projectMutex } from "../../core/steps/context.js";
import { removeKernel } from "../../vm/steps/kernels.js";
import { ensureLocked } from "../../build/steps/lock.js";
import { checkMachines } from "../../vm/steps/machine.js";
import { findRepository } from "../../build/steps/read-repository.js";
import { BUILDER_EXIT } from "../../core/plan/script-exits.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep } from "../../core/steps/run-step.js";
import { tryCommand, type Tried } from "./try-command.js";

/** The VM's name; the project's VMs may run at the same time. */
const VM = "bisect";

export interface BisectResult {
  readonly first: BisectStatus["first"];
  readonly maybe: BisectStatus["maybe"];
  /** The key of the first bad commit's kernel, if it was built. */
  readonly key: string | undefined;
  readonly logFile: string;
}

/** The unfinished search; undefined without one. */
export async function readBisectState(ctx: Context): Promise<BisectState | undefined> {
  const text = await ctx.host.files.readText(inProject(ctx, FOLDER.bisect));
  if (text === undefined) return undefined;
  try {
    return BisectState.parse(JSON.parse(text));
  } catch (error) {
    throw new KdockError("config", `${FOLDER.bisect} is not valid`, {
      hint: "Discard the search with `kdock bisect --reset`.",
      cause: error,
    });
  }
}

/** Fetches the history, and runs a new search. */
export async function startBisect(
  project: Project,
  order: BisectOrder & Pick<BisectState, "bootTimeoutSeconds">,
): Promise<BisectResult> {
  const { ctx } = project;
  const repository = repositoryOf(project.config.kernel.source);
  if (project.config.kernel.patches.length > 0) {
    throw new KdockError(
      "config",
      "kernel.patches would have to apply to every commit of a bisect",
      {
        hint: "Remove them from kdock.yaml for the search, or search a branch that has them as commits.",
      },
    );
  }
  await checkMachines(project, [VM]);
  const local = await localOf(ctx, repository);
  // The compiler depends on the kernel's version, which is only in the history: any builder image can read it.
  const initial = { repository, toolchain: project.config.kernel.toolchain };
  const scout = await lockedFor(project, initial);
  const status = await runGitBisect(scout, initial, startArguments(repository, local, order));
  const version = status.version ?? "";
  const toolchain = toolchainFor(version === "" ? NEWEST : version, initial.toolchain).compiler;
  reportStatus(ctx, status);
  const state = { ...order, repository, toolchain, next: status.next ?? { hash: "", subject: "" } };
  return await search(await lockedFor(project, state), state, status);
}

/** Continues an interrupted search at its current commit. */
export async function continueBisect(project: Project, state: BisectState): Promise<BisectResult> {
  await checkMachines(project, [VM]);
  // Fails for a missing repository before anything is fetched.
  await localOf(project.ctx, state.repository);
  const ready = await lockedFor(project, state);
  // An interrupt between git's step and writing the state leaves git one step ahead.
  return await search(ready, state, await runGitBisect(ready, state, ["where"]));
}

/** Discards the search; true if there was one. Its volume with the repository is kept for the next one. */
export async function resetBisect(ctx: Context): Promise<boolean> {
  const path = inProject(ctx, FOLDER.bisect);
  const existed = await ctx.host.files.exists(path);
  await ctx.host.files.remove(path);
  return existed;
}

type Search = Pick<BisectState, "repository" | "toolchain">;

/** The project with the search's toolchain, and with builder image and root file system locked. */
async function lockedFor(project: Project, { toolchain }: Search): Promise<Project> {
  const { ctx } = project;
  // For a local tree only the compiler is locked: the commits of a search do not belong in kdock.lock.
  const kernel = { ...project.config.kernel, source: "path:.", toolchain };
  const config = { ...project.config, kernel };
  const user = { ...project.user, tree: undefined, repository: undefined };
  await using _mutex = await projectMutex(ctx);
  return await ensureLocked({ ...replanned(project, { config, user }), overridden: true });
}

async function localOf(ctx: Context, repository: string): Promise<LocalRepository | undefined> {
  const folder = repositoryFolder(repository);
  return folder === undefined ? undefined : await findRepository(ctx, folder);
}

async function runGitBisect(
  { ctx, plan }: Project,
  search: Search,
  args: readonly string[],
): Promise<BisectStatus> {
  const local = await localOf(ctx, search.repository);
  const [command = ""] = args;
  const build = bisectBuild(plan.kernel, plan.names, search);
  await using _mutex = await projectMutex(ctx);
  await ensureImage(ctx, build.image, { noCache: false });
  const engine = await ctx.engine();
  for (const [name, volumeLabels] of Object.entries(build.volumes)) {
    await engine.ensureVolume(name, volumeLabels);
  }
  const spec = bisectContainer(build, plan.names, args, local);
  const title = command === "start" ? `history of ${search.repository}` : `git bisect ${command}`;
  return await runStep(ctx, "bisect", title, async (log) => {
    const lines: string[] = [];
    const exitCode = await runContainer(ctx, spec, {
      onLine: (line) => {
        lines.push(line);
        log.line(line);
      },
    });
    if (exitCode !== 0) throw gitError(exitCode, lines);
    const status = readBisect(lines);
    await ctx.host.files.writeAtomic(
      inProject(ctx, FOLDER.bisectLog),
      `${status.log.join("\n")}\n`,
    );
    return { value: status, cached: false };
  });
}

function gitError(exitCode: number, lines: readonly string[]): KdockError {
  const errors = lines.flatMap((line) => /^error: (.*)$/.exec(line)?.[1] ?? []);
  const message = errors.join("\n  ") || "git cannot continue the search";
  if (exitCode === BUILDER_EXIT.refused) {
    return new KdockError("config", message, { hint: "Correct --good, --bad or kernel.source." });
  }
  if (exitCode === BUILDER_EXIT.unreachable) {
    return new KdockError("environment", message, {
      hint: "Check the address, and the network of the engine's machine.",
    });
  }
  return new KdockError("environment", message, {
    hint: "The lines above say why; `kdock bisect --reset` discards the search.",
  });
}

/** Runs steps until git has found the commit or the search is interrupted; the state is written before each step. */
async function search(
  project: Project,
  initialState: BisectState,
  initialStatus: BisectStatus,
): Promise<BisectResult> {
  const { ctx } = project;
  let state = initialState;
  let status = initialStatus;
  for (;;) {
    if (status.next === undefined) return await ended(project, state, status);
    state = { ...state, next: status.next };
    await ctx.host.files.writeAtomic(
      inProject(ctx, FOLDER.bisect),
      `${JSON.stringify(state, undefined, 2)}\n`,
    );
    const { mark, key, plan } = await tryCommit(project, state);
    // `kdock run --kernel KEY` boots a set.
    if (mark === "bad" && key !== undefined) {
      const stages = { kernel: key, busybox: plan.busybox.key, rootfs: plan.rootfs.key };
      await makeSet(ctx, plan.setKey, stages);
    }
    state = await keepBad(ctx, state, mark, key);
    status = await runGitBisect(project, state, [mark]);
    reportStatus(ctx, status);
  }
}

async function ended(
  { ctx }: Project,
  { badKey }: BisectState,
  { first, maybe }: BisectStatus,
): Promise<BisectResult> {
  await resetBisect(ctx);
  const manifest = badKey === undefined ? undefined : await readManifest(ctx, "kernel", badKey);
  const source = String(manifest?.inputs["source"] ?? "");
  const key = first !== undefined && source.endsWith(`#${first.hash}`) ? badKey : undefined;
  return { first, maybe, key, logFile: inProject(ctx, FOLDER.bisectLog) };
}

/** git's messages; the final result is printed by bisectText. */
function reportStatus(ctx: Context, { messages, first, maybe }: BisectStatus): void {
  if (first !== undefined || maybe.length > 0) return;
  for (const text of messages) ctx.reporter.emit({ type: "notice", text });
}

/** Removes every kernel of the search but the last bad one, which in the end is the first bad commit's. */
async function keepBad(
  ctx: Context,
  state: BisectState,
  mark: Mark,
  key: string | undefined,
): Promise<BisectState> {
  if (key === undefined) return state;
  const obsolete = mark === "bad" ? state.badKey : key;
  if (obsolete !== undefined && obsolete !== (mark === "bad" ? key : state.badKey)) {
    await removeKernel(ctx, obsolete);
  }
  return mark === "bad" ? { ...state, badKey: key } : state;
}

/** Builds and boots a commit's kernel and runs the command; the result is the commit's mark. */
async function tryCommit(
  project: Project,
  state: BisectState,
): Promise<{ mark: Mark; key: string | undefined; plan: Plan }> {
  const { ctx } = project;
  const { next, command } = state;
  const at = projectAt(project, state);
  const { plan } = at;
  const what = `${next.hash.slice(0, 12)} ("${next.subject}")`;
  const report = (mark: Mark, why: string) => {
    ctx.reporter.emit({ type: "notice", text: `${mark}: ${what}: ${why}` });
    return mark;
  };
  try {
    await using _mutex = await projectMutex(ctx);
    await buildStages(at, { targets: TARGETS, noCache: false, frozen: false, aside: true });
  } catch (error) {
    const isTree = error instanceof KdockError && ["build", "config"].includes(error.code);
    if (ctx.signal.aborted || !isTree || !state.skipBuildFailures) throw error;
    return { mark: report("skip", `build failed (${messageOf(error)})`), key: undefined, plan };
  }
  const { key } = plan.kernel;
  let tried: Tried | undefined;
  try {
    const options = { vm: VM, step: "bisect/command", command };
    const { bootTimeoutSeconds } = state;
    await tryCommand(at, { ...options, bootTimeoutSeconds }, (result) => {
      tried = result;
    });
    return { mark: report("good", `${command.join(" ")}: exit code 0`), key, plan };
  } catch (error) {
    if (ctx.signal.aborted || !(error instanceof KdockError)) throw error;
    if (error.code === "config" && state.skipBuildFailures) {
      // The configuration was checked before the first commit, so the cause is this commit's kconfig.
      return { mark: report("skip", `kernel cannot be booted (${messageOf(error)})`), key, plan };
    }
    if (error.code !== "vm") throw error;
    return { mark: report(...verdict(tried, error)), key, plan };
  }
}

function verdict(tried: Tried | undefined, error: KdockError): [mark: Mark, why: string] {
  const exitCode = tried?.exitCode;
  // The kernel did not boot, or panicked while the command ran.
  if (exitCode === undefined) return ["bad", error.message.split("\n", 1)[0] ?? ""];
  const mark = markOf(exitCode);
  if (mark !== "abort") return [mark, error.message];
  throw new KdockError(
    "vm",
    `${error.message}: the command was killed, which is no verdict about the kernel`,
    {
      hint: "Try this commit again with `kdock bisect --continue`.",
    },
  );
}

/** The project with one commit's kernel. */
function projectAt(project: Project, state: BisectState): Project {
  const config = bisectConfig(project.config, state, state.next.hash);
  const at = replanned(project, { config });
  return {
    ...at,
    plan: { ...at.plan, kernel: bisectBuild(at.plan.kernel, at.plan.names, state) },
  };
}
