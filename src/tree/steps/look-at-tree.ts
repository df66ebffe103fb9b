import {
  changedAt,
  type FolderColumns,
  markYoung,
  NUMBERS,
  pathIn,
} from "../../core/folder-columns.js";
import type { HostFiles } from "../../host/host.js";
import { sha256 } from "../../core/plan/keys.js";
import {
  digestedFolder,
  isIgnored,
  othersIn,
  type TreeContent,
  treeContent,
} from "../plan/source-tree.js";
import { digestAt, fileAt, type TreeFile, type TreeFolder } from "../plan/tree-folder.js";
import { keepIndex, newestIndex } from "./kept-trees.js";
import type { TreeLook } from "../../core/speculative-scan.js";

export type TreeNote =
  | { readonly kind: "owed"; readonly files: number; readonly bytes: number }
  | { readonly kind: "content"; readonly content: TreeContent };

/** Files hashed at the same time. */
const AT_ONCE = 16;

/**
 * What changed less long ago may do so again without getting another time; whole seconds are from a file system that
 * counts no finer.
 */
const TICK_MS = 100;
const COARSE_TICK_MS = 2000;

/**
 * What a local tree holds. Files are read once: their digests are kept with sizes and times, as git does it. What was
 * written in this very moment could change once more within the same tick of the clock, and is looked at again the next
 * time. How much has to be read is told first, what there is next; then it is kept.
 */
export async function* work(files: HostFiles, request: TreeLook): AsyncGenerator<TreeNote> {
  const { folder: root, place } = request;
  const startedAt = Date.now();
  const before = await newestIndex(files, place);
  const known = new Map(before?.folders.map((folder) => [folder.path, folder]));
  const scanned = files.scan(root, isIgnored, (path) => known.get(path));
  const owed = scanned.flatMap((folder) =>
    isDigested(folder) ? [] : [owedIn(folder, known.get(folder.path))],
  );
  const reading = owed.flatMap(({ files: some }) => some);
  const bytes = reading.reduce((sum, { size }) => sum + size, 0);
  yield { kind: "owed", files: reading.length, bytes };
  await hashAll(files, root, owed);
  const made = new Map(owed.map(({ folder, digests }) => [folder, withDigests(folder, digests)]));
  const folders = scanned.map((folder) => made.get(folder) ?? (folder as TreeFolder));
  const changed = [...made.values()].flatMap((folder) => othersIn(folder, known.get(folder.path)));
  const last = before === undefined ? undefined : { digest: before.digest, changed };
  const content = treeContent(folders, last);
  yield { kind: "content", content };
  if (made.size === 0 && content.digest === before?.digest) return;
  const settled = folders.map((folder) => settledFolder(folder, startedAt));
  const index = { digest: content.digest, folders: settled };
  await keepIndex(files, place, { before: before?.digest, index });
}

/** The very one that was known; see HostFiles.scan. */
function isDigested(folder: FolderColumns | TreeFolder): folder is TreeFolder {
  return "digest" in folder;
}

interface Owed {
  readonly folder: FolderColumns;
  /** Those that have to be read. */
  readonly files: readonly (TreeFile & { readonly index: number })[];
  /** Of all files of the folder, by index; "" until it is read. */
  readonly digests: string[];
}

function owedIn(folder: FolderColumns, was: TreeFolder | undefined): Owed {
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

async function hashAll(files: HostFiles, root: string, owed: readonly Owed[]): Promise<void> {
  const queue = owed
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

/** With times that nothing has, where something was too young to be known by its time. */
function settledFolder(folder: TreeFolder, startedAt: number): TreeFolder {
  const isSettled = (changed: number) =>
    changed < startedAt - (changed % 1000 === 0 ? COARSE_TICK_MS : TICK_MS);
  const young = folder.names.flatMap((_name, index) =>
    isSettled(changedAt(folder, index)) ? [] : [index],
  );
  const isYoung = !isSettled(folder.changed);
  if (young.length === 0 && !isYoung) return folder;
  const numbers = Float64Array.from(folder.numbers);
  for (const index of young) markYoung(numbers, index);
  return { ...folder, numbers, changed: isYoung ? 0 : folder.changed };
}
