import {
  changedAt,
  type FolderColumns,
  markRacy,
  NUMBERS,
  pathIn,
} from "../../core/folder-columns.js";
import type { HostFiles } from "../../host/host.js";
import { sha256 } from "../../core/plan/keys.js";
import {
  digestedFolder,
  isIgnored,
  changedFilesIn,
  type TreeContent,
  treeContent,
} from "../plan/source-tree.js";
import { digestAt, fileAt, type TreeFile, type TreeFolder } from "../plan/tree-folder.js";
import { saveIndex, newestIndex } from "./tree-indexes.js";
import type { ScanRequest } from "../../core/speculative-scan.js";

export type ScanMessage =
  | { readonly kind: "reading"; readonly files: number; readonly bytes: number }
  | { readonly kind: "content"; readonly content: TreeContent };

/** Files hashed at the same time. */
const AT_ONCE = 16;

/** mtime granularity; the coarse one is for times in whole seconds, from a file system without fractions. */
const GRANULARITY_MS = 100;
const COARSE_GRANULARITY_MS = 2000;

/**
 * Scans a local tree, as git scans a work tree: digests are kept with sizes and times, and only changed files are read. A file
 * that was written within the mtime granularity could change again without a new time (a racy entry): the next scan reads it
 * again. Yields the amount to read, then the content, then saves the index.
 */
export async function* work(files: HostFiles, request: ScanRequest): AsyncGenerator<ScanMessage> {
  const { folder: root, place } = request;
  const startedAt = Date.now();
  const before = await newestIndex(files, place);
  const known = new Map(before?.folders.map((folder) => [folder.path, folder]));
  const scanned = files.scan(root, isIgnored, (path) => known.get(path));
  const pending = scanned.flatMap((folder) =>
    isDigested(folder) ? [] : [pendingIn(folder, known.get(folder.path))],
  );
  const reading = pending.flatMap(({ files: some }) => some);
  const bytes = reading.reduce((sum, { size }) => sum + size, 0);
  yield { kind: "reading", files: reading.length, bytes };
  await hashAll(files, root, pending);
  const made = new Map(
    pending.map(({ folder, digests }) => [folder, withDigests(folder, digests)]),
  );
  const folders = scanned.map((folder) => made.get(folder) ?? (folder as TreeFolder));
  const changed = [...made.values()].flatMap((folder) =>
    changedFilesIn(folder, known.get(folder.path)),
  );
  const last = before === undefined ? undefined : { digest: before.digest, changed };
  const content = treeContent(folders, last);
  yield { kind: "content", content };
  if (made.size === 0 && content.digest === before?.digest) return;
  const settled = folders.map((folder) => settledFolder(folder, startedAt));
  const index = { digest: content.digest, folders: settled };
  await saveIndex(files, place, { before: before?.digest, index });
}

/** HostFiles.scan returns the folder of the index itself if it is unchanged. */
function isDigested(folder: FolderColumns | TreeFolder): folder is TreeFolder {
  return "digest" in folder;
}

interface PendingFolder {
  readonly folder: FolderColumns;
  /** The files to read. */
  readonly files: readonly (TreeFile & { readonly index: number })[];
  /** Of all files of the folder, by index; "" until the file is read. */
  readonly digests: string[];
}

function pendingIn(folder: FolderColumns, was: TreeFolder | undefined): PendingFolder {
  const before = new Map(was?.names.map((name, index) => [name, index]));
  const digests = folder.names.map((name, index) => {
    const at = before.get(name);
    if (was === undefined || at === undefined) return "";
    return isSameFile(was, at, folder, index) ? digestAt(was, at) : "";
  });
  const files = digests.flatMap((digest, index) =>
    digest === "" ? [{ ...fileAt({ ...folder, digests: "" }, index), index }] : [],
  );
  return { folder, files, digests };
}

function isSameFile(a: FolderColumns, at: number, b: FolderColumns, index: number): boolean {
  const [was, is] = [numbersAt(a, at), numbersAt(b, index)];
  return a.modes[at] === b.modes[index] && was.every((number, column) => number === is[column]);
}

function numbersAt({ numbers }: FolderColumns, index: number): Float64Array {
  return numbers.subarray(index * NUMBERS, (index + 1) * NUMBERS);
}

async function hashAll(
  files: HostFiles,
  root: string,
  pending: readonly PendingFolder[],
): Promise<void> {
  const queue = pending
    .flatMap(({ files: some, digests }) => some.map((file) => ({ file, digests })))
    .values();
  const hash = async () => {
    for (const { file, digests } of queue) {
      const path = pathIn(root, file.path);
      digests[file.index] = sha256(
        file.isLink ? ((await files.status(path))?.target ?? "") : await files.readBytes(path),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, hash));
}

function withDigests(folder: FolderColumns, digests: readonly string[]): TreeFolder {
  return digestedFolder({ ...folder, digests: digests.join("") });
}

/** With impossible times for racy entries, so that the next scan reads these again. */
function settledFolder(folder: TreeFolder, startedAt: number): TreeFolder {
  const isSettled = (changed: number) =>
    changed < startedAt - (changed % 1000 === 0 ? COARSE_GRANULARITY_MS : GRANULARITY_MS);
  const racy = folder.names.flatMap((_name, index) =>
    isSettled(changedAt(folder, index)) ? [] : [index],
  );
  const isRacy = !isSettled(folder.changed);
  if (racy.length === 0 && !isRacy) return folder;
  const numbers = Float64Array.from(folder.numbers);
  for (const index of racy) markRacy(numbers, index);
  return { ...folder, numbers, changed: isRacy ? 0 : folder.changed };
}
