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
  startWords,
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

/** Beside the project's own VMs. */
const VM = "bisect";

export interface BisectResult {
  readonly first: BisectStatus["first"];
  readonly maybe: BisectStatus["maybe"];
  /** Of the first bad commit's kernel, where it was built. */
  readonly key: string | undefined;
  readonly logFile: string;
}

/** The search that has not ended; undefined when there is none. */
export async function readBisectState(ctx: Context): Promise<BisectState | undefined> {
  const text = await ctx.host.files.readText(inProject(ctx, FOLDER.bisect));
  if (text === undefined) return undefined;
  try {
    return BisectState.parse(JSON.parse(text));
  } catch (error) {
    throw new KdockError("config", `${FOLDER.bisect} is not as kdock wrote it`, {
      hint: "`kdock bisect --reset` forgets the search.",
      cause: error,
    });
  }
}

/** Begins a search: the history is fetched, and git names the first commit to try. */
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
        hint: "Leave them out of kdock.yaml for the search, or search a branch that has them as commits.",
      },
    );
  }
  await checkMachines(project, [VM]);
  const local = await localOf(ctx, repository);
  // The version decides about the compiler, and the history knows the version: any builder can ask it.
  const asking = { repository, toolchain: project.config.kernel.toolchain };
  const scout = await lockedFor(project, asking);
  const status = await askGit(scout, asking, startWords(repository, local, order));
  const known = status.version ?? "";
  const toolchain = toolchainFor(known === "" ? NEWEST : known, asking.toolchain).compiler;
  tellStatus(ctx, status);
  const state = { ...order, repository, toolchain, next: status.next ?? { hash: "", subject: "" } };
  return await search(await lockedFor(project, state), state, status);
}

/** Goes on with a search that was broken off, at the commit that it was at. */
export async function continueBisect(project: Project, state: BisectState): Promise<BisectResult> {
  await checkMachines(project, [VM]);
  // Before anything is fetched for its sake.
  await localOf(project.ctx, state.repository);
  const ready = await lockedFor(project, state);
  // It may have been broken off between git's answer and our noting it.
  return await search(ready, state, await askGit(ready, state, ["where"]));
}

/** Forgets a search; true when there was one. Its repository stays, for the next one. */
export async function resetBisect(ctx: Context): Promise<boolean> {
  const path = inProject(ctx, FOLDER.bisect);
  const there = await ctx.host.files.exists(path);
  await ctx.host.files.remove(path);
  return there;
}

type Search = Pick<BisectState, "repository" | "toolchain">;

/** The project with a builder for the search, whose image and root file system are locked. */
async function lockedFor(project: Project, { toolchain }: Search): Promise<Project> {
  const { ctx } = project;
  // Of a tree nothing is locked but its compiler, and the commits of a search are nobody's versions.
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

async function askGit(
  { ctx, plan }: Project,
  search: Search,
  words: readonly string[],
): Promise<BisectStatus> {
  const local = await localOf(ctx, search.repository);
  const [command = ""] = words;
  const build = bisectBuild(plan.kernel, plan.names, search);
  await using _mutex = await projectMutex(ctx);
  await ensureImage(ctx, build.image, { noCache: false });
  const engine = await ctx.engine();
  for (const [name, its] of Object.entries(build.volumes)) await engine.ensureVolume(name, its);
  const spec = bisectContainer(build, plan.names, words, local);
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
  const message = errors.join("\n  ") || "git cannot go on with the search";
  if (exitCode === BUILDER_EXIT.refused) {
    return new KdockError("config", message, { hint: "Correct --good, --bad or kernel.source." });
  }
  if (exitCode === BUILDER_EXIT.unreachable) {
    return new KdockError("environment", message, {
      hint: "Check the address, and the network of the engine's machine.",
    });
  }
  return new KdockError("environment", message, {
    hint: "The lines above say why; `kdock bisect --reset` forgets the search.",
  });
}

/** Step after step, until git has found the commit or Ctrl-C comes; what is known is written down before each. */
async function search(
  project: Project,
  begun: BisectState,
  begin: BisectStatus,
): Promise<BisectResult> {
  const { ctx } = project;
  let state = begun;
  let status = begin;
  for (;;) {
    if (status.next === undefined) return await ended(project, state, status);
    state = { ...state, next: status.next };
    await ctx.host.files.writeAtomic(
      inProject(ctx, FOLDER.bisect),
      `${JSON.stringify(state, undefined, 2)}\n`,
    );
    const { mark, key, plan } = await tryCommit(project, state);
    // So that it can be booted by its key.
    if (mark === "bad" && key !== undefined) {
      const stages = { kernel: key, busybox: plan.busybox.key, rootfs: plan.rootfs.key };
      await makeSet(ctx, plan.setKey, stages);
    }
    state = await keepBad(ctx, state, mark, key);
    status = await askGit(project, state, [mark]);
    tellStatus(ctx, status);
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

/** git's own words, as it says them. */
function tellStatus(ctx: Context, { said, first, maybe }: BisectStatus): void {
  if (first !== undefined || maybe.length > 0) return;
  for (const text of said) ctx.reporter.emit({ type: "notice", text });
}

/** Of all kernels that a search builds, the last bad one stays: in the end it is the first bad commit's. */
async function keepBad(
  ctx: Context,
  state: BisectState,
  mark: Mark,
  key: string | undefined,
): Promise<BisectState> {
  if (key === undefined) return state;
  const gone = mark === "bad" ? state.badKey : key;
  if (gone !== undefined && gone !== (mark === "bad" ? key : state.badKey)) {
    await removeKernel(ctx, gone);
  }
  return mark === "bad" ? { ...state, badKey: key } : state;
}

/** Builds, boots, runs the command: what that makes of the commit. */
async function tryCommit(
  project: Project,
  state: BisectState,
): Promise<{ mark: Mark; key: string | undefined; plan: Plan }> {
  const { ctx } = project;
  const { next, command } = state;
  const at = projectAt(project, state);
  const { plan } = at;
  const what = `${next.hash.slice(0, 12)} ("${next.subject}")`;
  const say = (mark: Mark, why: string) => {
    ctx.reporter.emit({ type: "notice", text: `${mark}: ${what}: ${why}` });
    return mark;
  };
  try {
    await using _mutex = await projectMutex(ctx);
    await buildStages(at, { targets: TARGETS, noCache: false, frozen: false, aside: true });
  } catch (error) {
    const isTree = error instanceof KdockError && ["build", "config"].includes(error.code);
    if (ctx.signal.aborted || !isTree || !state.skipBuildFailures) throw error;
    return { mark: say("skip", `it does not build (${messageOf(error)})`), key: undefined, plan };
  }
  const { key } = plan.kernel;
  let known: Tried | undefined;
  try {
    const how = { vm: VM, step: "bisect/command", command };
    await tryCommand(at, { ...how, bootTimeoutSeconds: state.bootTimeoutSeconds }, (tried) => {
      known = tried;
    });
    return { mark: say("good", `${command.join(" ")}: exit code 0`), key, plan };
  } catch (error) {
    if (ctx.signal.aborted || !(error instanceof KdockError)) throw error;
    if (error.code === "config" && state.skipBuildFailures) {
      // What is wrong with every commit was found before the first one; this is about the options that this one has.
      return { mark: say("skip", `its kernel cannot be tried (${messageOf(error)})`), key, plan };
    }
    if (error.code !== "vm") throw error;
    return { mark: say(...verdict(known, error)), key, plan };
  }
}

function verdict(known: Tried | undefined, error: KdockError): [mark: Mark, why: string] {
  const exitCode = known?.exitCode;
  // A kernel that does not get there, or falls over under the command, is a bad one.
  if (exitCode === undefined) return ["bad", error.message.split("\n", 1)[0] ?? ""];
  const mark = markOf(exitCode);
  if (mark !== "abort") return [mark, error.message];
  throw new KdockError(
    "vm",
    `${error.message}: something killed it, which says nothing about the kernel`,
    {
      hint: "The search stays where it is: `kdock bisect --continue` tries this commit again.",
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
