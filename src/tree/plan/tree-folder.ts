import { type FolderColumns, NUMBERS, pathIn } from "../../core/folder-columns.js";

/** A folder of a local tree, with the digests of its files and links. */
export interface TreeFolder extends FolderColumns {
  /** For each name the 64 digits of a sha256: of the content, or of the link's text. */
  readonly digests: string;
  /** sha256 of names, kinds and contents; "" if there is no file. */
  readonly digest: string;
  /** The same, of the inputs of the configuration. */
  readonly kconfig: string;
}

/** A file or link of a local tree. */
export interface TreeFile {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** When its content changed. */
  readonly modified: number;
  readonly isLink: boolean;
  /** sha256 of the content, or of the link's text. */
  readonly digest: string;
}

/** Hexadecimal digits of a digest. */
export const DIGITS = 64;

type Columns = Pick<TreeFolder, "path" | "names" | "modes" | "numbers" | "digests">;

export function fileAt(folder: Columns, index: number): TreeFile {
  const mode = folder.modes[index] ?? 0;
  return {
    path: pathIn(folder.path, folder.names[index] ?? ""),
    mode: mode & 0o777,
    size: folder.numbers[index * NUMBERS] ?? 0,
    modified: folder.numbers[index * NUMBERS + 1] ?? 0,
    isLink: isLink(mode),
    digest: digestAt(folder, index),
  };
}

export function digestAt({ digests }: Pick<Columns, "digests">, index: number): string {
  return digests.slice(index * DIGITS, (index + 1) * DIGITS);
}

/** Of a mode from lstat. */
export function isLink(mode: number): boolean {
  return (mode & 0o170000) === 0o120000;
}

/** All files and links of a tree. */
export function filesOf(folders: readonly TreeFolder[]): TreeFile[] {
  return folders.flatMap((folder) => folder.names.map((_name, index) => fileAt(folder, index)));
}
