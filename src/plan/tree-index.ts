import type { TreeFile } from "./source-tree.js";

/** A local tree as it was at one time. */
export interface TreeIndex {
  /** See TreeContent. */
  readonly digest: string;
  /** In code-unit order of path. */
  readonly files: readonly TreeFile[];
}

const FORM = "kdock tree 2";
const HEX = 64;
const LINK = 0o1000;

/**
 * For `unpackIndex` of the same machine. A kernel has 90 000 files and a command half a second: what they have in common
 * stands together, so that most of it is read and written as one piece.
 */
export function packIndex({ digest, files }: TreeIndex): Uint8Array {
  const numbers = new Float64Array(files.length * 3);
  const modes = new Uint16Array(files.length);
  let [names, digests] = ["", ""];
  for (const [index, file] of files.entries()) {
    numbers[index * 3] = file.size;
    numbers[index * 3 + 1] = file.modified;
    numbers[index * 3 + 2] = file.changed;
    modes[index] = file.mode | (file.isLink ? LINK : 0);
    names += index === 0 ? file.path : `\0${file.path}`;
    digests += file.digest;
  }
  const paths = Buffer.from(names);
  const head = `${JSON.stringify({ form: FORM, digest, count: files.length, paths: paths.length })}\n`;
  return Buffer.concat([
    Buffer.from(head),
    new Uint8Array(numbers.buffer),
    new Uint8Array(modes.buffer),
    Buffer.from(digests, "latin1"),
    paths,
  ]);
}

/** Undefined for what `packIndex` has not written, or not to its end. */
export function unpackIndex(packed: Uint8Array | undefined): TreeIndex | undefined {
  if (packed === undefined) return undefined;
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = bytes.indexOf("\n");
  const head = headOf(bytes.toString("utf8", 0, Math.max(end, 0)));
  if (head === undefined) return undefined;
  const { digest, count } = head;
  let at = end + 1;
  const take = (length: number) => bytes.subarray(at, (at += length));
  const [numberBytes, modeBytes, digestBytes] = [
    take(count * 24),
    take(count * 2),
    take(count * HEX),
  ];
  const paths = take(head.paths).toString().split("\0");
  if (at !== bytes.length || (paths.length !== count && count > 0)) return undefined;
  const numbers = new Float64Array(Uint8Array.from(numberBytes).buffer);
  const modes = new Uint16Array(Uint8Array.from(modeBytes).buffer);
  const digests = digestBytes.toString("latin1");
  const files: TreeFile[] = [];
  for (let index = 0; index < count; index += 1) {
    const mode = modes[index] ?? 0;
    files.push({
      path: paths[index] ?? "",
      mode: mode & ~LINK,
      size: numbers[index * 3] ?? 0,
      modified: numbers[index * 3 + 1] ?? 0,
      changed: numbers[index * 3 + 2] ?? 0,
      digest: digests.slice(index * HEX, (index + 1) * HEX),
      isLink: (mode & LINK) !== 0,
    });
  }
  return { digest, files };
}

interface Head {
  readonly digest: string;
  readonly count: number;
  /** Bytes. */
  readonly paths: number;
}

function headOf(line: string): Head | undefined {
  try {
    const head = JSON.parse(line) as Partial<Head> & { readonly form?: unknown };
    const { form, digest, count, paths } = head;
    if (form !== FORM || digest === undefined || count === undefined || paths === undefined) {
      return undefined;
    }
    return { digest, count, paths };
  } catch {
    return undefined;
  }
}
