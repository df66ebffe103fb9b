import { FOLDER } from "../plan/names.js";
import { sha256 } from "../plan/keys.js";
import {
  indexText,
  isIgnored,
  readIndex,
  type TreeContent,
  treeContent,
  type TreeFile,
} from "../plan/source-tree.js";
import { type Context, inProject } from "./context.js";

/** From so many bytes that have to be read, a person is told. */
const MUCH_BYTES = 200e6;

/** Files hashed at the same time. */
const AT_ONCE = 16;

/**
 * What a local tree holds. Files are read once: their digests are kept with size and times, as git does it, in the
 * project's folder. A file that was written in this very moment could change once more within the same tick of the clock,
 * and is read again the next time.
 */
export async function scanTree(ctx: Context, folder: string): Promise<TreeContent> {
  const { files } = ctx.host;
  const path = inProject(ctx, `${FOLDER.trees}/${sha256(folder).slice(0, 12)}.index`);
  const text = (await files.readText(path)) ?? "";
  const known = new Map(readIndex(text).map((file) => [file.path, file]));
  const scanned = files.scan(folder, isIgnored);
  const owed = scanned.filter((file) => {
    const was = known.get(file.path);
    return !(
      was?.size === file.size &&
      was.modified === file.modified &&
      was.changed === file.changed &&
      was.isLink === (file.target !== undefined)
    );
  });
  tell(ctx, folder, owed);
  const digests = new Map<string, string>();
  const queue = owed.values();
  const work = async () => {
    for (const { path: name, target } of queue) {
      ctx.signal.throwIfAborted();
      digests.set(
        name,
        target === undefined ? await digestOf(ctx, `${folder}/${name}`) : sha256(target),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const now = ctx.host.now();
  const found = scanned.map(({ target, ...file }): TreeFile => ({
    ...file,
    isLink: target !== undefined,
    link: target,
    digest: digests.get(file.path) ?? known.get(file.path)?.digest ?? "",
  }));
  if (owed.length > 0 || scanned.length !== known.size) {
    await files.writeAtomic(path, indexText(found.filter(({ changed }) => changed < now - 100)));
  }
  return treeContent(found);
}

function tell(ctx: Context, folder: string, owed: readonly { size: number }[]): void {
  const bytes = owed.reduce((sum, { size }) => sum + size, 0);
  if (bytes < MUCH_BYTES) return;
  const text = `reading ${owed.length} files of ${folder} (${Math.round(bytes / 1e6)} MB), once`;
  ctx.reporter.emit({ type: "notice", text });
}

async function digestOf(ctx: Context, path: string): Promise<string> {
  return sha256(await ctx.host.files.readBytes(path));
}
