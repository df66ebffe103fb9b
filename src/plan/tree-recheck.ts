import { type FolderColumns, NUMBERS, pathIn } from "../folder-columns.js";
import type { TreeFolder } from "./tree-folder.js";

/**
 * The files of a tree that are new, gone or written to since it was looked at, in code-unit order. What is known as too young
 * to be told by its time (see look-at-tree.ts) has none; it was written to since then if its time is after the look's start.
 * A folder's own times do not count: what comes and goes meanwhile, as editors' files do, is no part of a build.
 */
export function changedSince(
  known: readonly TreeFolder[],
  now: readonly FolderColumns[],
  lookedAt: number,
): string[] {
  const left = new Map(known.map((folder) => [folder.path, folder]));
  const changed = now.flatMap((folder) => {
    const was = left.get(folder.path);
    left.delete(folder.path);
    return was === folder ? [] : changedIn(was, folder, lookedAt);
  });
  return [...changed, ...[...left.values()].flatMap(allIn)].sort();
}

function changedIn(was: TreeFolder | undefined, now: FolderColumns, lookedAt: number): string[] {
  const before = new Map(was?.names.map((name, index) => [name, index]));
  const changed = now.names.filter((name, index) => {
    const at = before.get(name);
    before.delete(name);
    return was === undefined || at === undefined || isOther(was, at, now, index, lookedAt);
  });
  return [...changed, ...before.keys()].map((name) => pathIn(now.path, name));
}

function allIn({ path, names }: FolderColumns): string[] {
  return names.map((name) => pathIn(path, name));
}

const CHANGED = 2;

function isOther(
  was: FolderColumns,
  at: number,
  now: FolderColumns,
  index: number,
  lookedAt: number,
): boolean {
  const number = (folder: FolderColumns, file: number, column: number) =>
    folder.numbers[file * NUMBERS + column] ?? 0;
  const known = number(was, at, CHANGED);
  const changed = number(now, index, CHANGED);
  return (
    was.modes[at] !== now.modes[index] ||
    [0, 1].some((column) => number(was, at, column) !== number(now, index, column)) ||
    (known === 0 ? changed > lookedAt : changed !== known)
  );
}
