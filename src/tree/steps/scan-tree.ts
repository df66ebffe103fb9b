import { counted } from "../../core/plan/counted.js";
import type { TreeContent } from "../plan/source-tree.js";
import type { EarlyContext } from "../../core/steps/context.js";
import type { ScanMessage } from "./scan-worker.js";
import { lastTreeFile, SCAN_MODULE, RECHECK_MODULE, treePlace } from "./tree-paths.js";
import type { ScanRequest, RecheckRequest } from "../../core/speculative-scan.js";

/** A scan that reads at least so many bytes prints a notice. */
const NOTICE_BYTES = 200e6;

export interface ScannedTree {
  readonly content: TreeContent;
  /** Resolves when the index is saved and the tree recorded as the last one; rejects if the index cannot be saved. */
  readonly saved: Promise<void>;
}

/** Scans a local tree in a worker thread. */
export async function scanTree(ctx: EarlyContext, folder: string): Promise<ScannedTree> {
  const request: ScanRequest = { folder, place: treePlace(ctx.folder, folder) };
  const messages: AsyncIterator<unknown, unknown> =
    ctx.speculativeScan?.take(request, ctx.signal) ??
    ctx.host.inThread(SCAN_MODULE, request, ctx.signal)[Symbol.asyncIterator]();
  const recorded = recordAsLast(ctx, folder);
  for (;;) {
    const { value, done } = await messages.next();
    if (done === true) throw new Error("the scan of the tree ended early");
    const message = value as ScanMessage;
    if (message.kind === "reading") printNotice(ctx, folder, message);
    else {
      const saved = Promise.all([messages.next(), recorded]).then(() => undefined);
      // Only some callers await it: without an index, the next scan only takes longer.
      saved.catch(() => undefined);
      return { content: message.content, saved };
    }
  }
}

/** The paths that changed in a tree since it was scanned; see recheck-worker.ts. */
export async function recheckTree(
  ctx: EarlyContext,
  folder: string,
  digest: string,
): Promise<readonly string[]> {
  const request: RecheckRequest = { folder, place: treePlace(ctx.folder, folder), digest };
  for await (const changed of ctx.host.inThread(RECHECK_MODULE, request, ctx.signal)) {
    return changed as string[];
  }
  throw new Error("the check of the tree ended early");
}

/** For the next `beginScan`. */
async function recordAsLast(ctx: EarlyContext, folder: string): Promise<void> {
  const { files } = ctx.host;
  const path = lastTreeFile(ctx.folder);
  const text = `${folder}\n`;
  try {
    if ((await files.readText(path)) !== text) await files.writeAtomic(path, text);
  } catch {
    // Only an optimization: a project may be read-only.
  }
}

function printNotice(
  ctx: EarlyContext,
  folder: string,
  { files, bytes }: { files: number; bytes: number },
): void {
  if (bytes < NOTICE_BYTES) return;
  const text = `reading ${counted(files, "file")} of ${folder} (${Math.round(bytes / 1e6)} MB), once`;
  ctx.reporter.emit({ type: "notice", text });
}
