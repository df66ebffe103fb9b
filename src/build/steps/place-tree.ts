import { packTar, type TarEntry } from "../../archive/tar.js";
import { readTar } from "../../archive/read-tar.js";
import type { Container } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { readBuildLine } from "../../core/plan/build-log.js";
import type { BuildPlan } from "../plan/build-plan.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { sha256 } from "../../core/plan/keys.js";
import { BUILDER_UID, FOLDER, INSIDE } from "../../core/plan/names.js";
import { type TreeChanges, treeChanges, type TreeContent } from "../../tree/plan/source-tree.js";
import { filesOf, type TreeFile } from "../../tree/plan/tree-folder.js";
import type { SourceTree } from "../plan/user-files.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { indexWith, NOTE } from "../../tree/steps/kept-trees.js";
import { unseenMarker } from "./read-source-tree.js";
import type { StepLog } from "../../core/steps/run-step.js";
import { recheckTree } from "../../tree/steps/scan-tree.js";
import { SourceChangedError } from "./source-changed.js";
import { treePlace } from "../../tree/steps/tree-look.js";
import type { TreePlace } from "../../core/speculative-scan.js";

/** What source-path.sh keeps in a volume beside the tree: the digest of what is there. */
const DIGEST = ".kdock-tree/digest";

/** The builder's user, who has to be able to replace and remove what is sent. */
const OWNER = { uid: BUILDER_UID, gid: BUILDER_UID };

/** A local tree of which more than the name is known. */
interface LookedAt {
  readonly tree: SourceTree;
  readonly content: TreeContent;
  readonly place: TreePlace;
}

/** A build from a local tree; nothing is done for others. To be disposed of when the container has ended. */
export interface TreeBuild extends AsyncDisposable {
  /** To be told of every line that the container says. */
  readonly onLine: (line: string) => void;
  /** Sends what the container's volume lacks; what it returns belongs into /in. */
  send(container: Container, log: StepLog): Promise<TarEntry[]>;
  /**
   * Looks at a mounted tree again, when the builder reads it no more: the paths that changed since the plan was made from it,
   * none as a rule. The next build forgets all objects if there are any.
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
  // A run that only fetches the source must not clear the pending "forget objects" flag.
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
 * make compares times. It would not see a file that became another one with a time from before the last build's end, as
 * happens when an old file is put back with its time: then all objects are forgotten. What the last build was made from
 * is written down before it, with its end after it; and as long as the builder has not come past it, that objects are to
 * be forgotten.
 */
async function mountedBuild(ctx: Context, looked: LookedAt, volume: string): Promise<TreeBuild> {
  const { digest } = looked.content;
  const path = inProject(ctx, `${FOLDER.trees}/${volume}${NOTE.built}`);
  const note = (end: string) => ctx.host.files.writeAtomic(path, `${end} ${digest}\n`);
  const before = noteOf(await ctx.host.files.readText(path));
  let hasChanged = false;
  const stale = before !== undefined && (await hasUndetectableChange(ctx, looked, before));
  let isOwed = stale;
  const noted = note(stale ? STALE : "running");
  noted.catch(() => undefined);
  return {
    onLine(line) {
      // build.sh has forgotten objects by then.
      const meaning = readBuildLine(line);
      if (meaning.kind === "phase" && meaning.phase === "configure") isOwed = false;
    },
    // Written while the container is made, and before it starts.
    async send() {
      await noted;
      return stale ? [textFile("forget-objects", "")] : [];
    },
    async changed() {
      const changed = await recheck(ctx, looked);
      hasChanged = changed.length > 0;
      return changed;
    },
    async [Symbol.asyncDispose]() {
      await noted.catch(() => undefined);
      if (hasChanged) await note(STALE);
      else if (!isOwed) await note(String(ctx.host.now()));
      await looked.tree.kept?.catch(warnOf(ctx));
    },
  };
}

/** In the place of a time: objects are to be forgotten, or a copy to be made anew, whatever the tree is. */
const STALE = "stale";

/** Whether make would take something for old that is not what the last build saw. */
async function hasUndetectableChange(
  ctx: Context,
  { tree, content, place }: LookedAt,
  before: Note,
): Promise<boolean> {
  const { digest, last } = content;
  if (before.isStale) return true;
  if (before.digest === digest) return false;
  const isOld = ({ modified }: TreeFile) => modified <= before.end;
  // As a rule nobody has looked at the tree since.
  if (last?.digest === before.digest) return last.changed.some(isOld);
  const { files } = ctx.host;
  await tree.kept;
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

interface Note {
  readonly isStale: boolean;
  /** Milliseconds since 1970; infinite for a build that was killed. */
  readonly end: number;
  readonly digest: string;
}

function noteOf(text: string | undefined): Note | undefined {
  const [end, digest] = text?.split("\n")[0]?.split(" ") ?? [];
  if (end === undefined || digest === undefined) return undefined;
  const isStale = end === STALE;
  const isOpen = isStale || end === "running";
  return { isStale, end: isOpen ? Number.POSITIVE_INFINITY : Number(end), digest };
}

/** The volume says what it has, in one digest; what that means file by file was noted here when it was sent. */
function copiedBuild(ctx: Context, looked: LookedAt, volume: string): TreeBuild {
  const { tree, content, place } = looked;
  const { files } = ctx.host;
  const path = inProject(ctx, `${FOLDER.trees}/${volume}${NOTE.sent}`);
  const send = async (container: Container, log: StepLog): Promise<TarEntry[]> => {
    const isStale = noteOf(await files.readText(path))?.isStale === true;
    const there = isStale ? "" : await digestIn(container);
    if (there === content.digest) return [];
    await tree.kept;
    const now = await indexWith(files, place, content.digest);
    // Another command has looked at the tree since this one did, and saw another one.
    if (now === undefined) throw new SourceChangedError(tree.folder, []);
    const before = there === "" ? undefined : await indexWith(files, place, there);
    const known = before !== undefined;
    const changes = treeChanges(before?.folders ?? [], now.folders);
    tell(ctx, changes, known);
    log.phase("sending");
    await container.putArchive(INSIDE.source, packTar(beginning()));
    // The volume's digest is of what was read before, and does not say what was sent.
    await files.writeAtomic(path, `${STALE} ${content.digest}\n`);
    const sending = sendFiles(ctx, container, tree.folder, changes.changed);
    // A file that is another one by now is no failure of the engine's.
    await sending.catch(() => undefined);
    const changed = await recheck(ctx, looked);
    if (changed.length > 0) throw new SourceChangedError(tree.folder, changed);
    await sending;
    await files.writeAtomic(path, `${content.digest}\n`);
    return [
      textFile("tree.changed", names(changes.changed.map((file) => file.path))),
      known
        ? textFile("tree.gone", names(changes.gone))
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

async function recheck(ctx: Context, { tree, content }: LookedAt): Promise<readonly string[]> {
  // Its index says what it was like; where that cannot be kept, nothing does.
  await tree.kept?.catch(() => undefined);
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

function tell(ctx: Context, { changed, gone }: TreeChanges, known: boolean): void {
  const bytes = changed.reduce((sum, { size }) => sum + size, 0);
  const removed = gone.length === 0 ? "" : `, ${gone.length} are gone`;
  const text = known
    ? `source: ${changed.length} changed files to the engine (${Math.ceil(bytes / 1e3)} KB)${removed}`
    : `source: ${changed.length} files to the engine (${Math.round(bytes / 1e6)} MB); from now on only what changes`;
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
    // There is none yet; and where an engine is gone, the next call says so.
    return "";
  }
  return text.trim();
}

/** While files arrive, the volume has no state that has a name. */
function* beginning(): Generator<TarEntry> {
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

/** For xargs -0: paths may hold anything else. */
function names(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join("");
}

function textFile(path: string, text: string): TarEntry {
  return { path, kind: "file", mode: 0o644, content: Buffer.from(text) };
}

/** Rejected with when the engine's machine has another tree there, or none: from now on it is sent a copy. */
export async function unseenTree(ctx: Context, { tree }: BuildPlan): Promise<KdockError> {
  const folder = tree?.folder ?? "";
  const now = sha256(await ctx.host.files.readBytes(`${folder}/Makefile`));
  if (now !== tree?.content?.makefile) {
    return new SourceChangedError(folder, ["Makefile"]);
  }
  await ctx.host.files.writeAtomic(unseenMarker(ctx), "");
  return new KdockError("environment", `the engine does not see the tree ${folder}`, {
    hint: "Build again: kdock has taken note, and sends the engine a copy from now on.",
  });
}
