import type { TreeContent } from "../plan/source-tree.js";
import type { EarlyContext } from "./context.js";
import type { TreeNote } from "./look-at-tree.js";
import { lastTreeFile, LOOK_MODULE, type TreeLook, treePlace } from "./tree-look.js";

/** From so many bytes that have to be read, a person is told. */
const MUCH_BYTES = 200e6;

export interface ScannedTree {
  readonly content: TreeContent;
  /** Resolves when the tree's index is kept under the content's digest; rejects where it cannot be. */
  readonly kept: Promise<void>;
}

/** What a local tree holds, looked at in a thread of its own: what else there is to do goes on meanwhile. */
export async function scanTree(ctx: EarlyContext, folder: string): Promise<ScannedTree> {
  const look: TreeLook = { folder, place: treePlace(ctx.folder, folder) };
  const early = ctx.earlyLook?.take(look);
  const notes: AsyncIterator<unknown, unknown> =
    early ?? ctx.host.inThread(LOOK_MODULE, look, ctx.signal)[Symbol.asyncIterator]();
  if (early === undefined)
    await ctx.host.files.writeAtomic(lastTreeFile(ctx.folder), `${folder}\n`);
  for (;;) {
    const { value, done } = await notes.next();
    if (done === true) throw new Error("a tree was not looked at to its end");
    const note = value as TreeNote;
    if (note.kind === "owed") tell(ctx, folder, note);
    else return { content: note.content, kept: notes.next().then(() => undefined) };
  }
}

function tell(ctx: EarlyContext, folder: string, owed: { files: number; bytes: number }): void {
  if (owed.bytes < MUCH_BYTES) return;
  const text = `reading ${owed.files} files of ${folder} (${Math.round(owed.bytes / 1e6)} MB), once`;
  ctx.reporter.emit({ type: "notice", text });
}
