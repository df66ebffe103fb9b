import { lstatSync, readdirSync, type Stats } from "node:fs";
import { type FolderColumns, NUMBERS, pathIn } from "../core/folder-columns.js";
import { readError } from "./file-error.js";

/**
 * See HostFiles. Synchronous: promises for a kernel's 90 000 files would take several seconds. A folder whose times have not
 * changed has the same entries: its files are checked without listing it.
 */
export function scan<T extends FolderColumns>(
  root: string,
  skip: (path: string) => boolean,
  known: (path: string) => T | undefined,
): (FolderColumns | T)[] {
  const found: (FolderColumns | T)[] = [];
  const walk = (path: string) => {
    const folder = scanFolder(root, path, skip, known(path));
    found.push(folder);
    for (const name of folder.folders) walk(pathIn(path, name));
  };
  try {
    walk("");
  } catch (error) {
    throw readError((error as NodeJS.ErrnoException).path ?? root, error);
  }
  return found;
}

function scanFolder<T extends FolderColumns>(
  root: string,
  path: string,
  skip: (path: string) => boolean,
  was: T | undefined,
): FolderColumns | T {
  const full = pathIn(root, path);
  // Before its entries are read: an entry that is added meanwhile changes the time.
  const { mtimeMs: modified, ctimeMs: changed } = lstatSync(full);
  if (was?.modified === modified && was.changed === changed) {
    const found = withFiles(full, {
      path,
      modified,
      changed,
      names: was.names,
      folders: was.folders,
    });
    if (found !== undefined) return isSame(was, found) ? was : found;
  }
  const entries = { path, modified, changed, ...list(full, path, skip) };
  const found = withFiles(full, entries);
  if (found === undefined) throw lstatError(full, entries.names);
  return found;
}

type Entries = Omit<FolderColumns, "modes" | "numbers">;

/** Undefined if a file was removed meanwhile. */
function withFiles(full: string, entries: Entries): FolderColumns | undefined {
  const { names } = entries;
  const modes = new Uint16Array(names.length);
  const numbers = new Float64Array(names.length * NUMBERS);
  for (let index = 0; index < names.length; index += 1) {
    const status: Stats | undefined = lstatSync(`${full}/${names[index] ?? ""}`, {
      throwIfNoEntry: false,
    });
    if (status === undefined) return undefined;
    modes[index] = status.mode;
    numbers[index * NUMBERS] = status.size;
    numbers[index * NUMBERS + 1] = status.mtimeMs;
    numbers[index * NUMBERS + 2] = status.ctimeMs;
  }
  return { ...entries, modes, numbers };
}

/** Both have the same names. */
function isSame(a: FolderColumns, b: FolderColumns): boolean {
  return (
    a.modes.every((mode, index) => mode === b.modes[index]) &&
    a.numbers.every((number, index) => number === b.numbers[index])
  );
}

function list(
  full: string,
  path: string,
  skip: (path: string) => boolean,
): Pick<FolderColumns, "names" | "folders"> {
  const names: string[] = [];
  const folders: string[] = [];
  for (const entry of readdirSync(full, { withFileTypes: true })) {
    if (skip(pathIn(path, entry.name))) continue;
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile() || entry.isSymbolicLink()) names.push(entry.name);
  }
  return { names: names.sort(), folders: folders.sort() };
}

/** lstat's error for the first missing name. */
function lstatError(full: string, names: readonly string[]): unknown {
  try {
    for (const name of names) lstatSync(`${full}/${name}`);
  } catch (error) {
    return error;
  }
  return new Error(`${full} changed while it was read`);
}
