import { packTar, type TarEntry } from "../../archive/tar.js";
import { readTar } from "../../archive/read-tar.js";
import type { Container } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { readBuildLine } from "../../core/plan/build-log.js";
import type { BuildPlan } from "../plan/build-plan.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { counted } from "../../core/plan/counted.js";
import { sha256 } from "../../core/plan/keys.js";
import { BUILDER_UID, FOLDER, INSIDE } from "../../core/plan/names.js";
import { type TreeChanges, treeChanges, type TreeContent } from "../../tree/plan/source-tree.js";
import { filesOf, type TreeFile } from "../../tree/plan/tree-folder.js";
import type { SourceTree } from "../plan/user-files.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { indexWith, RECORD } from "../../tree/steps/tree-indexes.js";
import { notVisibleMarker } from "./read-source-tree.js";
import type { StepLog } from "../../core/steps/run-step.js";
import { recheckTree } from "../../tree/steps/scan-tree.js";
import { SourceChangedError } from "./source-changed.js";
import { treePlace } from "../../tree/steps/tree-paths.js";
import type { TreePlace } from "../../core/speculative-scan.js";

/** A file of source-path.sh in the source volume: the digest of the tree there. */
const DIGEST = ".kdock-tree/digest";

/** The builder's user, which replaces and removes files that were sent. */
const OWNER = { uid: BUILDER_UID, gid: BUILDER_UID };

/** A local tree with its scanned content. */
interface PlannedTree {
  readonly tree: SourceTree;
  readonly content: TreeContent;
  readonly place: TreePlace;
}

/** Transfers and checks a local tree for a build; a no-op for other sources. Dispose of it when the container has ended. */
export interface TreeBuild extends AsyncDisposable {
  /** Call for every line of the container's output. */
  readonly onLine: (line: string) => void;
  /** Sends the files that the container's volume lacks; returns files for /in. */
  send(container: Container, log: StepLog): Promise<TarEntry[]>;
  /**
   * Checks a mounted tree when the builder has read it: returns the paths that changed since the plan was made. If there are any,
   * the next build discards all objects.
   */
  changed(): Promise<readonly string[]>;
}

export async function beginTreeBuild(
  ctx: Context,
  { tree }: BuildPlan,
  spec: ContainerSpec,
): Promise<TreeBuild> {
  const content = tree?.content;
  if (tree === undefined || content === undefined) return NOTHING;
  const place = treePlace(ctx.folder, tree.folder);
  // A run that only fetches the source must not clear the pending "discard objects" flag.
  if (tree.transport === "mount" && !spec.command.some(makesObjects)) return NOTHING;
  return tree.transport === "mount"
    ? await mountedBuild(ctx, { tree, content, place }, volumeAt(spec, INSIDE.objects))
    : copiedBuild(ctx, { tree, content, place }, volumeAt(spec, INSIDE.source));
}

const NOTHING: TreeBuild = {
  onLine: () => undefined,
  send: () => Promise.resolve([]),
  changed: () => Promise.resolve([]),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function makesObjects(command: string): boolean {
  return ["all", "compile", "configure"].includes(command);
}

function volumeAt({ mounts }: ContainerSpec, target: string): string {
  return mounts.find((mount) => mount.target === target)?.volume ?? "";
}

/**
 * make compares times. It does not detect a changed file whose mtime is before the last build's end, such as an old file that
 * was restored with its mtime: in that case all objects are discarded. A record holds the tree of the last build: written
 * before the build, with the end time after it, and with the pending "discard objects" flag until the builder has configured.
 */
async function mountedBuild(
  ctx: Context,
  planned: PlannedTree,
  volume: string,
): Promise<TreeBuild> {
  const { digest } = planned.content;
  const path = inProject(ctx, `${FOLDER.trees}/${volume}${RECORD.built}`);
  const record = (end: string) => ctx.host.files.writeAtomic(path, `${end} ${digest}\n`);
  const before = parseRecord(await ctx.host.files.readText(path));
  let hasChanged = false;
  const stale = before !== undefined && (await hasUndetectableChange(ctx, planned, before));
  let isPending = stale;
  const recorded = record(stale ? STALE : "running");
  recorded.catch(() => undefined);
  return {
    onLine(line) {
      // build.sh has discarded the objects by then.
      const meaning = readBuildLine(line);
      if (meaning.kind === "phase" && meaning.phase === "configure") isPending = false;
    },
    // The record is written while the container is created, and before it starts.
    async send() {
      await recorded;
      return stale ? [textFile("forget-objects", "")] : [];
    },
    async changed() {
      const changed = await recheck(ctx, planned);
      hasChanged = changed.length > 0;
      return changed;
    },
    async [Symbol.asyncDispose]() {
      await recorded.catch(() => undefined);
      if (hasChanged) await record(STALE);
      else if (!isPending) await record(String(ctx.host.now()));
      await planned.tree.saved?.catch(warnOf(ctx));
    },
  };
}

/** Replaces the time in a record: the next build discards the objects, or sends the whole tree again. */
const STALE = "stale";

/** Whether a file changed since the last build in a way that make does not detect. */
async function hasUndetectableChange(
  ctx: Context,
  { tree, content, place }: PlannedTree,
  before: BuildRecord,
): Promise<boolean> {
  const { digest, last } = content;
  if (before.isStale) return true;
  if (before.digest === digest) return false;
  const isOld = ({ modified }: TreeFile) => modified <= before.end;
  // Usually the last scan was that of the last build.
  if (last?.digest === before.digest) return last.changed.some(isOld);
  const { files } = ctx.host;
  await tree.saved;
  const built = await indexWith(files, place, before.digest);
  const now = await indexWith(files, place, digest);
  if (built === undefined || now === undefined) return true;
  return treeChanges(built.folders, now.folders).changed.some(isOld);
}

function warnOf(ctx: Context): (error: unknown) => void {
  return (error) => {
    if (ctx.signal.aborted) return;
    const text = `the next build reads the whole tree again: ${messageOf(error)}`;
    ctx.reporter.emit({ type: "warning", text });
  };
}

interface BuildRecord {
  readonly isStale: boolean;
  /** Milliseconds since 1970; infinite for a build that was killed. */
  readonly end: number;
  readonly digest: string;
}

function parseRecord(text: string | undefined): BuildRecord | undefined {
  const [end, digest] = text?.split("\n")[0]?.split(" ") ?? [];
  if (end === undefined || digest === undefined) return undefined;
  const isStale = end === STALE;
  const isOpen = isStale || end === "running";
  return { isStale, end: isOpen ? Number.POSITIVE_INFINITY : Number(end), digest };
}

/** The volume stores the digest of its tree; the index with that digest has the files that were sent. */
function copiedBuild(ctx: Context, planned: PlannedTree, volume: string): TreeBuild {
  const { tree, content, place } = planned;
  const { files } = ctx.host;
  const path = inProject(ctx, `${FOLDER.trees}/${volume}${RECORD.sent}`);
  const send = async (container: Container, log: StepLog): Promise<TarEntry[]> => {
    const isStale = parseRecord(await files.readText(path))?.isStale === true;
    const there = isStale ? "" : await digestIn(container);
    if (there === content.digest) return [];
    await tree.saved;
    const now = await indexWith(files, place, content.digest);
    // Another command has scanned the tree meanwhile, and found another content.
    if (now === undefined) throw new SourceChangedError(tree.folder, []);
    const before = there === "" ? undefined : await indexWith(files, place, there);
    const known = before !== undefined;
    const changes = treeChanges(before?.folders ?? [], now.folders);
    noticeTransfer(ctx, changes, known);
    log.phase("sending");
    await container.putArchive(INSIDE.source, packTar(clearedDigest()));
    // Until the transfer is verified, the volume may hold other files than the digest says.
    await files.writeAtomic(path, `${STALE} ${content.digest}\n`);
    const sending = sendFiles(ctx, container, tree.folder, changes.changed);
    // A changed file may also fail the transfer: report the change, not the engine's error.
    await sending.catch(() => undefined);
    const changed = await recheck(ctx, planned);
    if (changed.length > 0) throw new SourceChangedError(tree.folder, changed);
    await sending;
    await files.writeAtomic(path, `${content.digest}\n`);
    return [
      textFile("tree.changed", names(changes.changed.map((file) => file.path))),
      known
        ? textFile("tree.gone", names(changes.removed))
        : textFile("tree.all", names(filesOf(now.folders).map((file) => file.path))),
    ];
  };
  return { ...NOTHING, send };
}

async function sendFiles(
  ctx: Context,
  container: Container,
  folder: string,
  changed: readonly TreeFile[],
): Promise<void> {
  const links = await linkTexts(ctx, folder, changed);
  await container.putArchive(INSIDE.source, packTar(changedEntries(ctx, folder, changed, links)));
}

async function recheck(ctx: Context, { tree, content }: PlannedTree): Promise<readonly string[]> {
  // Needs the saved index; without one, the whole tree counts as changed.
  await tree.saved?.catch(() => undefined);
  return recheckTree(ctx, tree.folder, content.digest);
}

/** By path. */
async function linkTexts(
  ctx: Context,
  root: string,
  files: readonly TreeFile[],
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { path } of files.filter(({ isLink }) => isLink)) {
    texts.set(path, (await ctx.host.files.status(`${root}/${path}`))?.target ?? "");
  }
  return texts;
}

function noticeTransfer(ctx: Context, { changed, removed }: TreeChanges, known: boolean): void {
  const bytes = changed.reduce((sum, { size }) => sum + size, 0);
  const end = removed.length === 0 ? "" : `, ${removed.length} removed`;
  const text = known
    ? `source: sending ${counted(changed.length, "changed file")} to the engine (${Math.ceil(bytes / 1e3)} KB)${end}`
    : `source: sending ${counted(changed.length, "file")} to the engine (${Math.round(bytes / 1e6)} MB); later builds send changes only`;
  ctx.reporter.emit({ type: "notice", text });
}

async function digestIn(container: Container): Promise<string> {
  let text = "";
  try {
    const archive = await container.getArchive(
      `${INSIDE.source}/${DIGEST}`,
      AbortSignal.timeout(30_000),
    );
    await readTar(archive, async (_header, content) => {
      for await (const chunk of content) text += Buffer.from(chunk).toString();
    });
  } catch {
    // There is none yet. A lost connection to the engine is reported by the next call.
    return "";
  }
  return text.trim();
}

/** Clears the volume's digest during the transfer. */
function* clearedDigest(): Generator<TarEntry> {
  yield { path: DIGEST.split("/")[0] ?? "", kind: "directory", mode: 0o755, ...OWNER };
  yield { path: DIGEST, kind: "file", mode: 0o644, content: new Uint8Array(), ...OWNER };
}

function* changedEntries(
  ctx: Context,
  root: string,
  files: readonly TreeFile[],
  links: ReadonlyMap<string, string>,
): Generator<TarEntry> {
  const folders = new Set<string>();
  for (const { path, mode, isLink, size } of files) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      folders.add(path.slice(0, at));
    }
    if (isLink) yield { path, kind: "symlink", target: links.get(path) ?? "", ...OWNER };
    else {
      const content = { size, open: () => ctx.host.files.readStream(`${root}/${path}`) };
      yield { path, kind: "file", mode: mode & 0o111 ? 0o755 : 0o644, content, ...OWNER };
    }
  }
  for (const path of folders) yield { path, kind: "directory", mode: 0o755, ...OWNER };
}

/** For xargs -0: a path may hold any other byte. */
function names(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join("");
}

function textFile(path: string, text: string): TarEntry {
  return { path, kind: "file", mode: 0o644, content: Buffer.from(text) };
}

/** The error if the engine's machine has another tree at this path, or none. Records that trees are sent from now on. */
export async function treeNotVisible(ctx: Context, { tree }: BuildPlan): Promise<KdockError> {
  const folder = tree?.folder ?? "";
  const now = sha256(await ctx.host.files.readBytes(`${folder}/Makefile`));
  if (now !== tree?.content?.makefile) {
    return new SourceChangedError(folder, ["Makefile"]);
  }
  await ctx.host.files.writeAtomic(notVisibleMarker(ctx), "");
  return new KdockError("environment", `the engine does not see the tree ${folder}`, {
    hint: "Build again: kdock sends the engine a copy from now on.",
  });
}
