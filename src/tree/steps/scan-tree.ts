import type { TreeContent } from "../plan/source-tree.js";
import type { EarlyContext } from "../../core/steps/context.js";
import type { TreeNote } from "./look-at-tree.js";
import { lastTreeFile, LOOK_MODULE, RECHECK_MODULE, treePlace } from "./tree-look.js";
import type { TreeLook, TreeRecheck } from "../../core/speculative-scan.js";

/** From so many bytes that have to be read, a person is told. */
const MUCH_BYTES = 200e6;

export interface ScannedTree {
  readonly content: TreeContent;
  /** Resolves when the tree's index is kept under the content's digest, and the tree noted as the last one; rejects where the index cannot be. */
  readonly kept: Promise<void>;
}

/** What a local tree holds, looked at in a thread of its own: what else there is to do goes on meanwhile. */
export async function scanTree(ctx: EarlyContext, folder: string): Promise<ScannedTree> {
  const look: TreeLook = { folder, place: treePlace(ctx.folder, folder) };
  const notes: AsyncIterator<unknown, unknown> =
    ctx.speculativeScan?.take(look, ctx.signal) ??
    ctx.host.inThread(LOOK_MODULE, look, ctx.signal)[Symbol.asyncIterator]();
  const remembered = remember(ctx, folder);
  for (;;) {
    const { value, done } = await notes.next();
    if (done === true) throw new Error("a tree was not looked at to its end");
    const note = value as TreeNote;
    if (note.kind === "owed") tell(ctx, folder, note);
    else {
      const kept = Promise.all([notes.next(), remembered]).then(() => undefined);
      // Whoever needs it says so; for others the next look takes longer, and that is all.
      kept.catch(() => undefined);
      return { content: note.content, kept };
    }
  }
}

/** What changed in a tree since it was looked at; see recheck-tree.ts. */
export async function recheckTree(
  ctx: EarlyContext,
  folder: string,
  digest: string,
): Promise<readonly string[]> {
  const request: TreeRecheck = { folder, place: treePlace(ctx.folder, folder), digest };
  for await (const changed of ctx.host.inThread(RECHECK_MODULE, request, ctx.signal)) {
    return changed as string[];
  }
  throw new Error("a tree was not looked at to its end");
}

/** For the next `beginScan`, which is only quicker for it. */
async function remember(ctx: EarlyContext, folder: string): Promise<void> {
  const { files } = ctx.host;
  const path = lastTreeFile(ctx.folder);
  const text = `${folder}\n`;
  try {
    if ((await files.readText(path)) !== text) await files.writeAtomic(path, text);
  } catch {
    // A project that cannot be written to can be looked at.
  }
}

function tell(ctx: EarlyContext, folder: string, owed: { files: number; bytes: number }): void {
  if (owed.bytes < MUCH_BYTES) return;
  const text = `reading ${owed.files} files of ${folder} (${Math.round(owed.bytes / 1e6)} MB), once`;
  ctx.reporter.emit({ type: "notice", text });
}
