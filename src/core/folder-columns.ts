/**
 * A folder of a large tree, with the files and links right in it: in columns, because an object for each of a kernel's
 * 90 000 files takes longer than to look at it. Times are in milliseconds since 1970. The host finds them, plans say what
 * follows from them.
 */
export interface FolderColumns {
  /** Relative to the tree, with forward slashes; "" for the tree itself. */
  readonly path: string;
  /** When its list of entries changed, and when anything of the folder itself did. */
  readonly modified: number;
  readonly changed: number;
  /** Of its files and links, and of its folders, each in code-unit order. */
  readonly names: readonly string[];
  readonly folders: readonly string[];
  /** For each name: the mode as lstat gives it, type and permission bits. */
  readonly modes: Uint16Array;
  /** For each name `NUMBERS`: its size, when its content changed, and when anything of it did. */
  readonly numbers: Float64Array;
}

export const NUMBERS = 3;

/** Column of when anything of a file changed. */
const CHANGED = 2;

/** When anything of a file changed, also of one that `markYoung` has marked. */
export function changedAt({ numbers }: Pick<FolderColumns, "numbers">, index: number): number {
  return Math.abs(numbers[index * NUMBERS + CHANGED] ?? 0);
}

/** Negates the time of a file that could change once more without getting another one: no file that is scanned has that. */
export function markYoung(numbers: Float64Array, index: number): void {
  const at = index * NUMBERS + CHANGED;
  numbers[at] = -(numbers[at] ?? 0);
}

/** One of them may be "", for the folder itself. */
export function pathIn(folder: string, name: string): string {
  if (folder === "") return name;
  return name === "" ? folder : `${folder}/${name}`;
}
