/**
 * A folder of a large tree with its direct files and links, stored by column: an object for each of a kernel's 90 000 files
 * takes longer than its lstat. Times are in milliseconds since 1970.
 */
export interface FolderColumns {
  /** Relative to the tree, with forward slashes; "" for the tree itself. */
  readonly path: string;
  /** mtime and ctime of the folder itself. */
  readonly modified: number;
  readonly changed: number;
  /** Of its files and links, and of its subfolders, each in code-unit order. */
  readonly names: readonly string[];
  readonly folders: readonly string[];
  /** For each name the mode from lstat: type and permission bits. */
  readonly modes: Uint16Array;
  /** For each name `NUMBERS` values: size, mtime, ctime. */
  readonly numbers: Float64Array;
}

export const NUMBERS = 3;

/** Column of the ctime. */
const CHANGED = 2;

/** A file's ctime, also if `markRacy` has marked it. */
export function changedAt({ numbers }: Pick<FolderColumns, "numbers">, index: number): number {
  return Math.abs(numbers[index * NUMBERS + CHANGED] ?? 0);
}

/** Negates the ctime of a racy entry (see docs/glossary.md), so that it differs from that of any scanned file. */
export function markRacy(numbers: Float64Array, index: number): void {
  const at = index * NUMBERS + CHANGED;
  numbers[at] = -(numbers[at] ?? 0);
}

/** Either may be "", for the folder itself. */
export function pathIn(folder: string, name: string): string {
  if (folder === "") return name;
  return name === "" ? folder : `${folder}/${name}`;
}
