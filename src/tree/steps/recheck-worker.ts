import type { HostFiles } from "../../host/host.js";
import { isIgnored } from "../plan/source-tree.js";
import { changedSince } from "../plan/tree-recheck.js";
import { indexWith } from "./tree-indexes.js";
import type { RecheckRequest } from "../../core/speculative-scan.js";

/**
 * Yields once: the paths that changed since a tree was scanned. If its index is not stored any more, or the tree changes while
 * it is listed, yields the path "", the tree itself. Reads no file.
 */
export async function* work(files: HostFiles, request: RecheckRequest): AsyncGenerator<string[]> {
  const { folder: root, place, digest } = request;
  const index = await indexWith(files, place, digest);
  const known = new Map(index?.folders.map((folder) => [folder.path, folder]));
  if (index === undefined) {
    yield [""];
    return;
  }
  let now;
  try {
    now = files.scan(root, isIgnored, (path) => known.get(path));
  } catch {
    yield [""];
    return;
  }
  yield changedSince(index.folders, now);
}
