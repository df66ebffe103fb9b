import { packTar, type TarEntry } from "../archive/tar.js";
import { readTar } from "../archive/read-tar.js";
import type { Container } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import type { BuildPlan } from "../plan/build-plan.js";
import type { ContainerSpec } from "../plan/container-spec.js";
import { sha256 } from "../plan/keys.js";
import { FOLDER, INSIDE } from "../plan/names.js";
import {
  type TreeChanges,
  treeChanges,
  type TreeContent,
  type TreeFile,
} from "../plan/source-tree.js";
import { packIndex } from "../plan/tree-index.js";
import type { SourceTree } from "../plan/user-files.js";
import { type Context, inProject } from "./context.js";
import { unseenMarker } from "./read-source-tree.js";
import type { StepLog } from "./run-step.js";
import { readIndex } from "./scan-tree.js";

/** source-path.sh's exit code for a mounted tree that is not the one that kdock has read. */
export const UNSEEN = 66;

/** What source-path.sh keeps in a volume beside the tree: the digest of what is there. */
const DIGEST = ".kdock-tree/digest";

/** The builder's user, who has to be able to replace and remove what is sent. */
const OWNER = { uid: 1000, gid: 1000 };

/** A build from a local tree; nothing is done for others. To be disposed of when the container has ended. */
export interface TreeBuild extends AsyncDisposable {
  /** Sends what the container's volume lacks; what it returns belongs into /in. */
  send(container: Container, log: StepLog): Promise<TarEntry[]>;
}

export async function beginTreeBuild(
  ctx: Context,
  { tree }: BuildPlan,
  spec: ContainerSpec,
): Promise<TreeBuild> {
  const content = tree?.content;
  if (tree === undefined || content === undefined) return NOTHING;
  return tree.transport === "mount"
    ? await mountedBuild(ctx, content, volumeAt(spec, INSIDE.objects))
    : copiedBuild(ctx, tree, content, volumeAt(spec, INSIDE.source));
}

const NOTHING: TreeBuild = {
  send: () => Promise.resolve([]),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function volumeAt({ mounts }: ContainerSpec, target: string): string {
  return mounts.find((mount) => mount.target === target)?.volume ?? "";
}

/**
 * make compares times. It would not see a file that became another one with a time from before the last build's end, as
 * happens when an old file is put back with its time: then all objects are forgotten. What the last build was made from
 * is written down before it, with its end after it.
 */
async function mountedBuild(
  ctx: Context,
  content: TreeContent,
  volume: string,
): Promise<TreeBuild> {
  const { digest } = content;
  const path = inProject(ctx, `${FOLDER.trees}/${volume}.built`);
  const note = (end: string) => ctx.host.files.writeAtomic(path, `${end} ${digest}\n`);
  const before = noteOf(await ctx.host.files.readText(path));
  const stale = before !== undefined && (await hides(ctx, before, content, indexOf(path)));
  await note("running");
  return {
    send: () => Promise.resolve(stale ? [textFile("forget-objects", "")] : []),
    async [Symbol.asyncDispose]() {
      await ctx.host.files.writeAtomic(indexOf(path), packIndex(content));
      await note(String(ctx.host.now()));
    },
  };
}

function indexOf(note: string): string {
  return `${note}-index`;
}

/** Whether make would take something for old that is not what the last build saw. */
async function hides(
  ctx: Context,
  before: Note,
  { digest, files, last }: TreeContent,
  index: string,
): Promise<boolean> {
  if (before.digest === digest) return false;
  const isOld = ({ modified }: TreeFile) => modified <= before.end;
  // As a rule nobody has looked at the tree since.
  if (last?.digest === before.digest) return last.changed.some(isOld);
  const built = await readIndex(ctx, index);
  if (built?.digest !== before.digest) return true;
  return treeChanges(built.files, files).changed.some(isOld);
}

interface Note {
  /** Milliseconds since 1970; infinite for a build that was killed. */
  readonly end: number;
  readonly digest: string;
}

function noteOf(text: string | undefined): Note | undefined {
  const [end, digest] = text?.split("\n")[0]?.split(" ") ?? [];
  if (end === undefined || digest === undefined) return undefined;
  return { end: end === "running" ? Number.POSITIVE_INFINITY : Number(end), digest };
}

/** The volume says what it has, in one digest; what that means file by file was noted here when it was sent. */
function copiedBuild(
  ctx: Context,
  tree: SourceTree,
  content: TreeContent,
  volume: string,
): TreeBuild {
  const path = inProject(ctx, `${FOLDER.trees}/${volume}.sent-index`);
  const send = async (container: Container, log: StepLog): Promise<TarEntry[]> => {
    const there = await digestIn(container);
    if (there === content.digest) return [];
    const sent = await readIndex(ctx, path);
    const before = there !== "" && sent?.digest === there ? sent.files : undefined;
    const known = before !== undefined;
    const changes = treeChanges(before ?? [], content.files);
    tell(ctx, changes, known);
    log.phase("sending");
    await container.putArchive(INSIDE.source, packTar(beginning()));
    await container.putArchive(
      INSIDE.source,
      packTar(changedEntries(ctx, tree.folder, changes.changed)),
    );
    await ctx.host.files.writeAtomic(path, packIndex(content));
    return [
      textFile("tree.changed", names(changes.changed.map((file) => file.path))),
      known
        ? textFile("tree.gone", names(changes.gone))
        : textFile("tree.all", names(content.files.map((file) => file.path))),
    ];
  };
  return { send, [Symbol.asyncDispose]: () => Promise.resolve() };
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
): Generator<TarEntry> {
  const folders = new Set<string>();
  for (const { path, mode, isLink, size, link } of files) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      folders.add(path.slice(0, at));
    }
    if (isLink) yield { path, kind: "symlink", target: link ?? "", ...OWNER };
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
    return new KdockError("build", `${folder}/Makefile changed while the build began`, {
      hint: "Build again.",
    });
  }
  await ctx.host.files.writeAtomic(unseenMarker(ctx), "");
  return new KdockError("environment", `the engine does not see the tree ${folder}`, {
    hint: "Build again: kdock has taken note, and sends the engine a copy from now on.",
  });
}
