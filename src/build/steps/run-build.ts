import { addAbortSignal, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { packTar, type TarEntry } from "../../archive/tar.js";
import { DEBIAN_LINES, lineOf } from "../../config/source-spec.js";
import { KdockError } from "../../core/errors.js";
import { aboutObjects, readBuildLine, readCpuTime } from "../../core/plan/build-log.js";
import { compilerWarning } from "../plan/compiler-bounds.js";
import { compilerHint, knownCause } from "../plan/build-failure.js";
import type { BuildPlan } from "../plan/build-plan.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { bytesOfText } from "../../core/plan/loose-text.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import type { InputEntry } from "../plan/user-files.js";
import type { Manifest, ManifestFile } from "../../core/plan/manifest.js";
import { storeArtifacts } from "../../core/steps/artifact-store.js";
import type { ReadyImage } from "./builder-image.js";
import { ensureVolumes } from "./builder-volumes.js";
import type { Receiver } from "../../host/host.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { extractFolder } from "./extract.js";
import { driftError } from "./drift-error.js";
import { beginTreeBuild, treeNotVisible } from "./place-tree.js";
import { BUILDER_EXIT } from "../../core/plan/script-exits.js";
import { type ContainerRun, runContainer } from "../../core/steps/run-container.js";
import { SourceChangedError } from "./source-changed.js";
import { receiveOutput } from "./receive-output.js";
import type { StepLog } from "../../core/steps/run-step.js";

/** Runs a build container until it exits, stores its artifacts, and removes it. */
export async function runBuild(
  ctx: Context,
  plan: BuildPlan,
  image: ReadyImage,
  log: StepLog,
): Promise<Manifest> {
  warnIfCompilerNewerThanKernel(ctx, plan);
  const startedAt = ctx.host.now();
  let cpuSeconds: number | undefined;
  const measuring: StepLog = {
    ...log,
    line(text) {
      cpuSeconds = readCpuTime(text) ?? cpuSeconds;
      log.line(text);
    },
  };
  // The container must exist until extraction has ended.
  return await storeArtifacts(
    ctx,
    { stage: plan.stage, key: plan.key, inputs: plan.inputs, resolved: resolvedImage(image) },
    (folder) => buildInto(ctx, plan, plan.container, folder, measuring),
    async (folder) => {
      const wallSeconds = Math.round((ctx.host.now() - startedAt) / 1000);
      return { ...(await readBuildFacts(ctx, folder)), cost: { wallSeconds, cpuSeconds } };
    },
  );
}

function warnIfCompilerNewerThanKernel(ctx: Context, { stage, version, asked }: BuildPlan): void {
  if (stage !== "kernel" || version === undefined) return;
  const text = compilerWarning(version, asked["toolchain"] ?? "");
  if (text !== undefined) ctx.reporter.emit({ type: "notice", text });
}

/** Runs a build and writes its artifacts to an empty folder of the host. */
export async function buildInto(
  ctx: Context,
  plan: BuildPlan,
  spec: ContainerSpec,
  folder: string,
  log: StepLog,
): Promise<ManifestFile[]> {
  // An engine that sees a tree of the host usually sees sockets, too; these are faster than its API.
  if (plan.stage === "kernel" && plan.tree?.transport === "mount") {
    await using receiver = await ctx.host.receive(inProject(ctx, FOLDER.hand));
    const built = receiver && (await buildWithReceiver(ctx, plan, spec, folder, log, receiver));
    if (built !== undefined) return built;
  }
  return buildAndCollect(ctx, plan, spec, folder, log);
}

/** Undefined if the engine fails to create such a container: it may see the tree, but not the project. */
async function buildWithReceiver(
  ctx: Context,
  plan: BuildPlan,
  spec: ContainerSpec,
  folder: string,
  log: StepLog,
  receiver: Receiver,
): Promise<ManifestFile[] | undefined> {
  let hasBegun = false;
  const watching: StepLog = {
    ...log,
    line(text) {
      hasBegun = true;
      log.line(text);
    },
  };
  try {
    const withHand = withReceiver(spec, receiver);
    return await buildAndCollect(ctx, plan, withHand, folder, watching, receiver);
  } catch (error) {
    const isRefused = error instanceof KdockError && error.code === "engine" && !hasBegun;
    if (isRefused && !ctx.signal.aborted) return undefined;
    throw error;
  }
}

/** Runs a build; its artifacts come through the receiver, or else from the engine. */
async function buildAndCollect(
  ctx: Context,
  plan: BuildPlan,
  spec: ContainerSpec,
  folder: string,
  log: StepLog,
  receiver?: Receiver,
): Promise<ManifestFile[]> {
  const output = receiver === undefined ? INSIDE.output : INSIDE.kernelOutput;
  let files: ManifestFile[] = [];
  let failure: unknown;
  await runBuilder(ctx, plan, spec, log, {
    failure: () => failure,
    // Not through the engine: for an archive before the start it mounts the whole container an extra time.
    put:
      receiver &&
      (async (input) =>
        pipeline(input, await ctx.host.files.writeStream(`${receiver.folder}/${INPUT}`, 0o644))),
    ready: receiver?.connected,
    collectOutput: async (container) => {
      const connection = receiver?.connection();
      if (connection === undefined) {
        log.phase("extracting");
        files = await extractFolder(ctx, container, output, folder, log);
      } else {
        // Without progress: the build still runs and reports its own.
        const archive = addAbortSignal(ctx.signal, connection);
        files = await receiveOutput(ctx, archive, folder).catch((error: unknown) => {
          failure = error;
          throw error;
        });
      }
    },
  });
  return files;
}

const INPUT = "input.tar";

function withReceiver(spec: ContainerSpec, receiver: Receiver): ContainerSpec {
  const hostPath = { path: receiver.folder, target: INSIDE.hand, readOnly: true };
  return {
    ...spec,
    env: {
      ...spec.env,
      KDOCK_OUT: INSIDE.kernelOutput,
      KDOCK_HAND: `${INSIDE.hand}/socket`,
      KDOCK_INPUT: `${INSIDE.hand}/${INPUT}`,
    },
    hostPaths: [...(spec.hostPaths ?? []), hostPath],
  };
}

/** Only fetches and configures the source; resolves with the sha256 of the final .config. */
export async function configureOnly(
  ctx: Context,
  plan: BuildPlan,
  log: StepLog,
): Promise<string | undefined> {
  const spec = { ...plan.container, command: ["source", "configure"] };
  const { config } = await runBuilder(ctx, plan, spec, log);
  return config();
}

/** Provides the source in its volume, with patches applied. */
export async function fetchSource(ctx: Context, plan: BuildPlan, log: StepLog): Promise<void> {
  await runBuilder(ctx, plan, { ...plan.container, command: ["source"] }, log);
}

/** The output of source.sh for a source in a builder; see `readResolved`. */
export async function askForSource(
  ctx: Context,
  plan: BuildPlan,
  spec: string,
  log: StepLog,
): Promise<string[]> {
  const lines: string[] = [];
  const command = ["sh", "/usr/local/lib/kdock/source.sh", "--resolve", spec];
  const keeping = {
    ...log,
    line: (text: string) => {
      lines.push(text);
      log.line(text);
    },
  };
  await runBuilder(ctx, plan, { ...plan.container, command }, keeping);
  return lines;
}

/** Transfer of files without the engine. */
interface Transfer extends Pick<ContainerRun, "collectOutput" | "ready"> {
  /** Writes the archive of files for /in. */
  readonly put: ((input: Readable) => Promise<void>) | undefined;
  /** The error of receiving the artifacts, if any. */
  readonly failure: () => unknown;
}

/** Runs a builder's container until it exits. Rejects with an error by its exit code and output. */
export async function runBuilder(
  ctx: Context,
  plan: BuildPlan,
  spec: ContainerSpec,
  log: StepLog,
  { put, failure, ...files }: Partial<Transfer> = {},
): Promise<BuildProgress> {
  const container = await ensureVolumes(ctx, plan, spec);
  const progress = followBuild(log, (text) => {
    ctx.reporter.emit({ type: "notice", text });
  });
  await using tree = await beginTreeBuild(ctx, plan, spec);
  let changed: Promise<readonly string[]> | undefined;
  const exitCode = await runContainer(ctx, container, {
    prepare: async (container) => {
      const input = [...inputFiles(plan), ...(await tree.send(container, log))];
      const secrets = secretFiles(plan);
      // Secrets always go through the engine: a file on the host that the builder's user may read is readable for all.
      if (put !== undefined) await put(packTar(input));
      const sent = put === undefined ? [...input, ...secrets] : secrets;
      if (sent.length > 0) await container.putArchive(INSIDE.input, packTar(sent));
    },
    onLine: (line) => {
      tree.onLine(line);
      progress.onLine(line);
    },
    isReady,
    ...files,
    // In parallel to the container's shutdown, which takes as long.
    collectOutput: async (running) => {
      await files.collectOutput?.(running);
      changed = tree.changed();
      changed.catch(() => undefined);
    },
  });
  if (exitCode === BUILDER_EXIT.otherTree) throw await treeNotVisible(ctx, plan);
  // The builder only sees a closed connection; the receiver has the cause.
  if (exitCode === BUILDER_EXIT.notTaken && failure?.() !== undefined) throw failure();
  const paths = await (changed ?? tree.changed());
  // A failed build reports its own error; objects of a changed tree are discarded in either case.
  if (exitCode !== 0) throw buildError(plan, exitCode, progress);
  if (paths.length > 0) throw new SourceChangedError(plan.tree?.folder ?? "", paths);
  return progress;
}

function isReady(line: string): boolean {
  return readBuildLine(line).kind === "collected";
}

/** Files in /in that only the builder's user may read. */
export function secretFiles({ secrets, uid }: Pick<BuildPlan, "secrets" | "uid">): TarEntry[] {
  return Object.entries(secrets).map(([path, secret]) => ({
    ...{ path, kind: "file", mode: 0o600, uid, gid: uid },
    content: secret.revealSecret(),
  }));
}

/** Files in /in. */
export function inputFiles(plan: BuildPlan): TarEntry[] {
  const files = Object.entries(plan.files).map(([path, text]): TarEntry => ({
    path,
    kind: "file",
    mode: 0o644,
    content: bytesOfText(text),
  }));
  const trees = plan.trees.flatMap(({ path, entries }) => [
    ...(entries.some((entry) => entry.path === "") ? [] : [folderEntry(`initramfs/${path}`)]),
    ...entries.map((entry) =>
      treeEntry(`initramfs/${path}/${entry.path}`.replace(/\/$/, ""), entry),
    ),
  ]);
  return [...files, ...trees];
}

function folderEntry(path: string): TarEntry {
  return { path, kind: "directory", mode: 0o755 };
}

function treeEntry(path: string, entry: InputEntry): TarEntry {
  switch (entry.kind) {
    case "directory":
      return folderEntry(path);
    case "symlink":
      return { path, kind: "symlink", target: entry.target };
    case "file":
      return { path, kind: "file", mode: entry.executable ? 0o755 : 0o644, content: entry.content };
  }
}

interface BuildProgress {
  readonly onLine: (line: string) => void;
  /** Locked versions that are not available any more, a line each. */
  readonly drift: () => readonly string[];
  /** The sha256 of the final .config; undefined before configure. */
  readonly config: () => string | undefined;
  /** Whether a tool reported that the disk is full. */
  readonly noSpace: () => boolean;
  /** The known cause of a failure, by a line of the output. */
  readonly cause: () => string | undefined;
}

function followBuild(log: StepLog, onNotice: (text: string) => void): BuildProgress {
  let objects = 0;
  let total: number | undefined;
  let noSpace = false;
  let config: string | undefined;
  let cause: string | undefined;
  const drift: string[] = [];
  const onLine = (line: string) => {
    log.line(line);
    noSpace ||= line.includes("No space left on device");
    cause ??= knownCause(line);
    const meaning = readBuildLine(line);
    if (meaning.kind === "phase") log.phase(meaning.phase);
    if (meaning.kind === "notice") onNotice(meaning.text);
    if (meaning.kind === "bytes") log.progress(meaning.done, meaning.total, "bytes", false);
    if (meaning.kind === "options") total = aboutObjects(meaning.count);
    if (meaning.kind === "config") config = meaning.digest;
    if (meaning.kind === "drift") drift.push(meaning.text);
    if (meaning.kind === "object") log.progress((objects += 1), total, "objects", true);
  };
  return {
    onLine,
    noSpace: () => noSpace,
    drift: () => drift,
    config: () => config,
    cause: () => cause,
  };
}

function buildError(plan: BuildPlan, exitCode: number, progress: BuildProgress): KdockError {
  const drift = progress.drift();
  if (drift.length > 0) return driftError(drift);
  if (exitCode === BUILDER_EXIT.refused) {
    return new KdockError("config", `the ${plan.stage} builder rejected its input`, {
      hint: "See the lines above for the reason, and correct kdock.yaml.",
    });
  }
  const source = plan.asked["source"] ?? "";
  if (exitCode === BUILDER_EXIT.notAsLocked) {
    return new KdockError("environment", `${source} is not available as locked in kdock.lock`, {
      hint: `See the lines above for what was tried. Check why the source differs; \`kdock lock --update ${plan.stage}\` locks the current one.`,
    });
  }
  if (exitCode === BUILDER_EXIT.unreachable) {
    return new KdockError("environment", `${source} could not be fetched from any mirror`, {
      hint: unreachableHint(plan.stage, source),
    });
  }
  return new KdockError("build", `the ${plan.stage} build ended with exit code ${exitCode}`, {
    hint: buildHint(plan, exitCode, progress),
  });
}

function unreachableHint(stage: BuildPlan["stage"], source: string): string {
  if (source.startsWith("git:")) {
    return "See the lines above for git's error. Builders have no passwords and no ssh keys: clone the repository, and name the clone, git:./linux#REF.";
  }
  const line = lineOf(source.slice(source.indexOf(":") + 1));
  const debian =
    stage === "kernel" && DEBIAN_LINES.includes(line)
      ? `, or build debian:${line}, which comes from the Debian mirror`
      : "";
  return `Check the network and proxy of the engine's machine, set ${stage}.mirrors to mirrors that it can reach${debian}.`;
}

function buildHint(plan: BuildPlan, exitCode: number, progress: BuildProgress): string {
  if (progress.noSpace()) {
    return "Free disk space where the engine keeps its volumes: `kdock clean --all --dry-run` lists kdock's part.";
  }
  // 128 + SIGKILL, from the OOM killer or `docker kill`.
  if (exitCode === 137) {
    return "It was killed, most likely for lack of memory: set kernel.jobs to a smaller number.";
  }
  const compiler = plan.asked["toolchain"] ?? "";
  return (
    (plan.stage === "kernel"
      ? compilerHint(progress.cause(), plan.version, compiler)
      : undefined) ?? "The lines above are from the build's log, which has all output."
  );
}

function resolvedImage(image: ReadyImage): Readonly<Record<string, string>> {
  return {
    "builder-image": image.info.id,
    ...(image.base === undefined
      ? {}
      : { "base-image": image.base.info.repoDigests[0] ?? image.base.info.id }),
  };
}

/** Reads build.sh's records: the exact source, the commands, the versions of tools. */
async function readBuildFacts(
  ctx: Context,
  folder: string,
): Promise<Pick<Manifest, "resolved" | "commands" | "tools" | "compat" | "deoptimized">> {
  const read = async (name: string) =>
    ((await ctx.host.files.readText(`${folder}/${name}`)) ?? "").trim();
  const lines = async (name: string) =>
    (await read(name)).split("\n").filter((line) => line !== "");
  const release = await read("kernel.release");
  const deoptimized = (await lines("deoptimized.txt")).map(words);
  const compat = (await lines("compat.txt")).map(words);
  return {
    resolved: {
      ...Object.fromEntries(
        (await lines("source.txt")).map(words).map(([name, value]) => [`source-${name}`, value]),
      ),
      compiler: await read("toolchain.txt"),
      ...(release === "" ? {} : { release }),
    },
    commands: await lines("commands.txt"),
    ...(compat.length === 0 ? {} : { compat: Object.fromEntries(compat) }),
    ...(deoptimized.length === 0 ? {} : { deoptimized: Object.fromEntries(deoptimized) }),
    tools: Object.fromEntries((await lines("tools.txt")).map(words)),
  };
}

function words(line: string): [first: string, rest: string] {
  const [first = "", ...rest] = line.split(" ");
  return [first, rest.join(" ")];
}
