import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { configName, configPath } from "./config-file.js";
import { artifactSettings } from "../config/artifact-settings.js";
import type { Architecture } from "../config/config.js";
import { type KeyFlags, keyValues } from "../config/key-flags.js";
import type { RawValues } from "../config/layer.js";
import { loadConfig } from "../config/layers.js";
import { sourceFrom, sourceSpec } from "../config/source-spec.js";
import { readIfThere } from "../engine/connect-options.js";
import { endpointName } from "../engine/endpoint.js";
import { engineSearch } from "../engine/engine-search.js";
import type { Engine } from "../engine/engine.js";
import { KdockError, messageOf } from "../core/errors.js";
import { createNodeHost } from "../host/node-host.js";
import { createTerminal } from "../host/terminal.js";
import { NO_OTHER_ENGINES, splitLock } from "../build/lock/engine-view.js";
import type { Lock } from "../build/lock/lock.js";
import { architectureFrom, type EngineArchitecture } from "../core/plan/architectures.js";
import type { Asset, Assets } from "../core/plan/assets.js";
import { FOLDER } from "../core/plan/names.js";
import type { Project } from "../build/project.js";
import { makePlan } from "../build/plan/plan.js";
import { type Context, type EarlyContext, inProject } from "../core/steps/context.js";
import { lastArchitecture } from "../core/steps/artifact-store.js";
import { askArchitecture } from "../build/steps/engine-architecture.js";
import { repositoryReader } from "../build/steps/read-repository.js";
import { readUserFiles, type TreeReading } from "../build/steps/read-user-files.js";
import type { SpeculativeScan } from "../core/speculative-scan.js";
import { orAborted } from "../core/or-aborted.js";
import type { Reporter } from "../ui/reporter.js";
import { outputEvents } from "../ui/output-events.js";
import { checkTrust } from "./trust.js";
import type { GlobalFlags, World } from "../core/world.js";

/** kdock's own root: the folder that holds images/ and the Dockerfiles; one above src/ and dist/ alike. */
export const KDOCK_ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What goes into containers, relative to kdock's root. */
const ASSET_PATHS = ["images", "Dockerfile.kernel", "Dockerfile.busybox"];

export interface Opening {
  readonly readLock: boolean;
  readonly followBuild: boolean;
  readonly tree: TreeReading;
  /** What kdock.yaml names outside of the project's folder will be used. */
  readonly usesOutside: boolean;
  readonly speculativeScan?: SpeculativeScan | undefined;
  /** Connect to an engine of this machine while a local tree is scanned; a failure is reported when the engine is used. */
  readonly warmEngine: boolean;
}

export async function openProject(
  world: World,
  globals: GlobalFlags,
  reporter: Reporter,
  flags: KeyFlags,
  { readLock, followBuild, tree, warmEngine, usesOutside, speculativeScan }: Opening,
): Promise<Project> {
  const host = createNodeHost({ env: world.env });
  const path = configPath(world, globals);
  const text = await host.files.readText(path);
  if (text === undefined && globals.config !== undefined) {
    throw new KdockError("config", `there is no file ${globals.config}`, {
      hint: "`kdock init` writes a commented kdock.yaml.",
    });
  }
  const file = text === undefined ? undefined : { name: configName(globals), text };
  const builtArch = followBuild ? await lastArchitecture(host.files, dirname(path)) : undefined;
  const folder = await host.files.realPath(dirname(path));
  const repositoryAt = repositoryReader(host.files);
  let engine: Promise<Engine> | undefined;
  const early: EarlyContext = {
    host,
    terminal: createTerminal({
      stdin: world.stdin,
      stdout: world.stdout,
      type: world.env["TERM"],
      onExit: world.onExit,
    }),
    reporter,
    stdout: globals.json === true ? outputEvents(reporter, "stdout", world.stdout) : world.stdout,
    stderr: globals.json === true ? outputEvents(reporter, "stderr", world.stdout) : world.stderr,
    stdin: world.stdin.isTTY ? undefined : world.stdin,
    signal: world.signal,
    folder,
    self: [...world.self, ...(globals.config === undefined ? [] : ["--config", path])],
    version: world.version,
    speculativeScan,
    engineIsHere: () => isSearchedHere(world),
    repositoryAt,
    engine: () => (engine ??= orAborted(world.signal, connect(world, reporter))),
  };
  const { file: lockFile, engine: architecture } = await readSurroundings(early, world, {
    readLock,
    isArchKnown: builtArch !== undefined,
  });
  const usualArch = lockedArchitecture(lockFile) ?? architecture;
  // The configuration is loaded twice only where the last build's architecture is not the default.
  const lastArch = builtArch === usualArch ? undefined : builtArch;
  const words = {
    file,
    env: world.env,
    flags: typedFlags(world.cwd, dirname(path), flags),
    usualArch,
  };
  const config = loadConfig({ ...words, lastArch });
  const followed = lastArch !== undefined && loadConfig(words).kernel.arch !== lastArch;
  const asWritten = loadConfig({ file, usualArch });
  if (usesOutside) {
    const use = { history: tree === "history" };
    const reach = { folder, written: asWritten, config, use, repositoryAt };
    await checkTrust(world, globals, reporter, reach);
  }
  const failed = new AbortController();
  const reading = { ...early, signal: AbortSignal.any([world.signal, failed.signal]) };
  const userFiles = readUserFiles(reading, config, tree);
  const isTree = tree === "content" && sourceSpec(config.kernel.source).kind === "path";
  if (warmEngine && isTree && early.engineIsHere()) early.engine().catch(() => undefined);
  const [user, assets] = await Promise.all([userFiles, readAssets(host.files)]).catch(
    (error: unknown) => {
      // Cancels the other reads.
      failed.abort();
      throw error;
    },
  );
  const ctx: Context = { ...early, assets };
  const { lock, others } =
    lockFile === undefined || !readLock
      ? { lock: undefined, others: NO_OTHER_ENGINES }
      : splitLock(lockFile, architecture);
  return {
    ctx,
    config,
    written: asWritten,
    user,
    ...{ lock, others },
    followsBuild: followed && config.kernel.arch === lastArch,
    overridden: !isDeepStrictEqual(artifactSettings(asWritten), artifactSettings(config)),
    plan: makePlan({ folder, config, engine: architecture, assets, user, lock }),
  };
}

/** Paths of the command line are relative to the working folder, those in kdock.yaml to that file. */
function typedFlags(cwd: string, folder: string, flags: KeyFlags): RawValues {
  return keyValues(flags, cwd === folder ? undefined : (path) => resolve(cwd, path));
}

/** A kernel source of the command line as kdock.yaml would have it: paths of trees and repositories are made absolute. */
export function sourceTypedIn(cwd: string, folder: string, word: string): string {
  return cwd === folder ? word : sourceFrom(word, (path) => resolve(cwd, path));
}

async function readLockFile(ctx: EarlyContext): Promise<Lock | undefined> {
  const text = await ctx.host.files.readText(inProject(ctx, FOLDER.lockfile));
  if (text === undefined) return undefined;
  // As slow to load as the configuration, and not every project has one.
  const { parseLock } = await import("../build/lock/lock-text.js");
  return parseLock(text, FOLDER.lockfile);
}

/** Inputs of the configuration besides its text: the lock file, and the architecture of the engine. */
async function readSurroundings(
  ctx: EarlyContext,
  world: World,
  { readLock, isArchKnown }: { readLock: boolean; isArchKnown: boolean },
): Promise<{ readonly file: Lock | undefined; readonly engine: EngineArchitecture }> {
  const isNeeded = readLock || !isArchKnown;
  const reading = isNeeded ? readLockFile(ctx) : Promise.resolve(undefined);
  // A command that does not need the lock works beside a broken one, too.
  const file = await (readLock ? reading : reading.catch(() => undefined));
  const engine = await askArchitecture(ctx, { place: enginePlace(world), ask: readLock });
  return { file, engine };
}

/** Of the kernel that is locked; undefined before anything is. */
function lockedArchitecture(lock: Lock | undefined): Architecture | undefined {
  const kernel = lock?.stages.kernel;
  return kernel && architectureFrom(kernel.inputs);
}

/** "unix:///var/run/docker.sock": the first candidate. */
function enginePlace({ env, home }: World): string {
  try {
    const [first] = engineSearch(env, home, readIfThere).candidates;
    return first === undefined ? "" : endpointName(first.endpoint);
  } catch (error) {
    // Reported where the engine is used.
    if (error instanceof KdockError) return "";
    throw error;
  }
}

/** Whether all candidates are sockets of this machine; no engine is asked. */
function isSearchedHere({ env, home }: World): boolean {
  const { candidates } = engineSearch(env, home, readIfThere);
  return candidates.every(({ endpoint }) => endpoint.kind === "unix");
}

/** The Docker client is slow to load: it is loaded when the engine is used. */
async function connect(world: World, reporter: Reporter): Promise<Engine> {
  const { connectEngine } = await import("../engine/connect.js");
  return connectEngine({
    env: world.env,
    home: world.home,
    onLeak: (what, error) => {
      reporter.emit({
        type: "warning",
        text: `${what} could not be removed: ${messageOf(error)} (kdock clean removes it later)`,
      });
    },
  });
}

/** kdock's own files that go into containers, from where kdock is installed. */
export async function readAssets(files: Context["host"]["files"]): Promise<Assets> {
  const assets = new Map<string, Asset>();
  for (const path of ASSET_PATHS) {
    const full = join(KDOCK_ROOT, path);
    if (!path.includes(".")) {
      for (const entry of await files.tree(full)) {
        if (entry.kind !== "file") continue;
        const content = await files.readBytes(`${full}/${entry.path}`);
        assets.set(`${path}/${entry.path}`, { content, executable: (entry.mode & 0o111) !== 0 });
      }
    } else assets.set(path, { content: await files.readBytes(full), executable: false });
  }
  return assets;
}
