import { FOLDER } from "../plan/names.js";
import { sha256 } from "../plan/keys.js";
import {
  isIgnored,
  isOther,
  type TreeContent,
  treeContent,
  type TreeFile,
} from "../plan/source-tree.js";
import { packIndex, type TreeIndex, unpackIndex } from "../plan/tree-index.js";
import type { ScannedFile } from "../host/host.js";
import { type Context, inProject } from "./context.js";

/** From so many bytes that have to be read, a person is told. */
const MUCH_BYTES = 200e6;

/** Files hashed at the same time. */
const AT_ONCE = 16;

/** A file that changed less long ago may do so again without getting another time. */
const TICK_MS = 100;

/**
 * What a local tree holds. Files are read once: their digests are kept with size and times, as git does it, in the
 * project's folder. A file that was written in this very moment could change once more within the same tick of the clock,
 * and is read again the next time.
 */
export async function scanTree(ctx: Context, folder: string): Promise<TreeContent> {
  const { files } = ctx.host;
  const path = inProject(ctx, `${FOLDER.trees}/${sha256(folder).slice(0, 12)}.packed`);
  const before = await readIndex(ctx, path);
  const scanned = files.scan(folder, isIgnored);
  const known = alongside(scanned, before?.files ?? []);
  const owed = scanned
    .map((file, index) => ({ file, index }))
    .filter(({ file, index }) => !isSame(known[index], file));
  tell(
    ctx,
    folder,
    owed.map(({ file }) => file.size),
  );
  const digests = new Map<number, string>();
  const queue = owed.values();
  const work = async () => {
    for (const { index, file } of queue) {
      ctx.signal.throwIfAborted();
      const text = file.target;
      const digest =
        text === undefined ? await digestOf(ctx, `${folder}/${file.path}`) : sha256(text);
      digests.set(index, digest);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const now = ctx.host.now();
  const found = scanned.map(
    ({ path: name, mode, size, modified, changed, target }, index): TreeFile => ({
      ...{ path: name, mode, size, modified, changed, isLink: target !== undefined, link: target },
      digest: digests.get(index) ?? known[index]?.digest ?? "",
    }),
  );
  const other = owed.flatMap(({ index }) => {
    const file = found[index];
    return file !== undefined && isOther(known[index], file) ? [file] : [];
  });
  const last = before === undefined ? undefined : { digest: before.digest, changed: other };
  const content = treeContent(found, last);
  if (owed.length > 0 || content.digest !== before?.digest) {
    const settled = found.map((file) =>
      file.changed < now - TICK_MS ? file : { ...file, changed: 0 },
    );
    await files.writeAtomic(path, packIndex({ digest: content.digest, files: settled }));
  }
  return content;
}

/** An index that was kept; undefined where there is none, or another kdock's. */
export async function readIndex(ctx: Context, path: string): Promise<TreeIndex | undefined> {
  const { files } = ctx.host;
  return (await files.exists(path)) ? unpackIndex(await files.readBytes(path)) : undefined;
}

/** For each file the one that had its path before; both lists are in order of path. */
function alongside(
  files: readonly ScannedFile[],
  before: readonly TreeFile[],
): readonly (TreeFile | undefined)[] {
  let at = 0;
  return files.map(({ path }) => {
    for (; ; at += 1) {
      const was = before[at];
      if (was === undefined || was.path > path) return undefined;
      if (was.path === path) return was;
    }
  });
}

function isSame(was: TreeFile | undefined, file: ScannedFile): boolean {
  return (
    was?.size === file.size &&
    was.modified === file.modified &&
    was.changed === file.changed &&
    was.isLink === (file.target !== undefined)
  );
}

function tell(ctx: Context, folder: string, owed: readonly number[]): void {
  const bytes = owed.reduce((sum, size) => sum + size, 0);
  if (bytes < MUCH_BYTES) return;
  const text = `reading ${owed.length} files of ${folder} (${Math.round(bytes / 1e6)} MB), once`;
  ctx.reporter.emit({ type: "notice", text });
}

async function digestOf(ctx: Context, path: string): Promise<string> {
  return sha256(await ctx.host.files.readBytes(path));
}
