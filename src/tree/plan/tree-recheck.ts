import { changedAt, type FolderColumns, NUMBERS, pathIn } from "../../core/folder-columns.js";
import type { TreeFolder } from "./tree-folder.js";

/**
 * The files of a tree that were added, removed or written since it was scanned, in code-unit order. Times are only compared for
 * equality: they may come from a file server, whose clock can be ahead or be set back. Times of folders are ignored: temporary
 * files, such as those of editors, are not part of a build.
 */
export function changedSince(
  known: readonly TreeFolder[],
  now: readonly FolderColumns[],
): string[] {
  const left = new Map(known.map((folder) => [folder.path, folder]));
  const changed = now.flatMap((folder) => {
    const was = left.get(folder.path);
    left.delete(folder.path);
    return was === folder ? [] : changedIn(was, folder);
  });
  return [...changed, ...[...left.values()].flatMap(allIn)].sort();
}

function changedIn(was: TreeFolder | undefined, now: FolderColumns): string[] {
  const before = new Map(was?.names.map((name, index) => [name, index]));
  const changed = now.names.filter((name, index) => {
    const at = before.get(name);
    before.delete(name);
    return was === undefined || at === undefined || differs(was, at, now, index);
  });
  return [...changed, ...before.keys()].map((name) => pathIn(now.path, name));
}

function allIn({ path, names }: FolderColumns): string[] {
  return names.map((name) => pathIn(path, name));
}

function differs(was: FolderColumns, at: number, now: FolderColumns, index: number): boolean {
  const number = (folder: FolderColumns, file: number, column: number) =>
    folder.numbers[file * NUMBERS + column] ?? 0;
  return (
    was.modes[at] !== now.modes[index] ||
    [0, 1].some((column) => number(was, at, column) !== number(now, index, column)) ||
    changedAt(was, at) !== changedAt(now, index)
  );
}
