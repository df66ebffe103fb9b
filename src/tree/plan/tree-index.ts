import { NUMBERS } from "../../core/folder-columns.js";
import { DIGITS, type TreeFolder } from "./tree-folder.js";

/** The state of a local tree at one time. */
export interface TreeIndex {
  /** See TreeContent. */
  readonly digest: string;
  /** Each before its subfolders. */
  readonly folders: readonly TreeFolder[];
}

const FORMAT = "kdock tree 3";

/** Numbers of a folder itself: both times, the number of names and the number of subfolders. */
const OWN = 4;

/** Stands for a digest that is "". */
const NO_DIGEST = " ".repeat(DIGITS);

/**
 * For `unpackIndex` on the same machine (byte order). Stored by column, so that the index of 90 000 files is read and written
 * in a few large pieces: a command that has nothing to build takes half a second.
 */
export function packIndex({ digest, folders }: TreeIndex): Uint8Array {
  const count = folders.reduce((sum, { names }) => sum + names.length, 0);
  const own = new Float64Array(folders.length * OWN);
  const numbers = new Float64Array(count * NUMBERS);
  const modes = new Uint16Array(count);
  const words: string[] = [];
  let [at, digests] = [0, ""];
  for (const [index, folder] of folders.entries()) {
    const { path, modified, changed, names } = folder;
    own.set([modified, changed, names.length, folder.folders.length], index * OWN);
    numbers.set(folder.numbers, at * NUMBERS);
    modes.set(folder.modes, at);
    at += names.length;
    words.push(path, ...names, ...folder.folders);
    digests += (folder.digest || NO_DIGEST) + (folder.kconfig || NO_DIGEST) + folder.digests;
  }
  const text = Buffer.from(words.join("\0"));
  const head = { form: FORMAT, digest, folders: folders.length, files: count, text: text.length };
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(head)}\n`),
    new Uint8Array(own.buffer),
    new Uint8Array(numbers.buffer),
    new Uint8Array(modes.buffer),
    Buffer.from(digests, "latin1"),
    text,
  ]);
}

/** Undefined for a truncated file, or one that `packIndex` has not written. */
export function unpackIndex(packed: Uint8Array | undefined): TreeIndex | undefined {
  if (packed === undefined) return undefined;
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = bytes.indexOf("\n");
  const head = headOf(bytes.toString("utf8", 0, Math.max(end, 0)));
  if (head === undefined || bytes.length !== end + 1 + lengthOf(head)) return undefined;
  let at = end + 1;
  const take = (length: number) => bytes.subarray(at, (at += length));
  // Copied: a typed array needs an aligned offset.
  const copied = (length: number) => Uint8Array.prototype.slice.call(take(length)).buffer;
  const own = new Float64Array(copied(head.folders * OWN * 8));
  const numbers = new Float64Array(copied(head.files * NUMBERS * 8));
  const modes = new Uint16Array(copied(head.files * 2));
  const digests = take((head.files + head.folders * 2) * DIGITS).toString("latin1");
  const words = take(head.text).toString().split("\0");
  const folders: TreeFolder[] = [];
  let [word, file, digit] = [0, 0, 0];
  const takeDigits = (count: number) => digests.slice(digit, (digit += count * DIGITS));
  for (let index = 0; index < head.folders; index += 1) {
    const ownAt = (column: number) => own[index * OWN + column] ?? 0;
    const [names, below] = [ownAt(2), ownAt(3)];
    folders.push({
      path: words[word] ?? "",
      modified: ownAt(0),
      changed: ownAt(1),
      names: words.slice(word + 1, word + 1 + names),
      folders: words.slice(word + 1 + names, word + 1 + names + below),
      modes: modes.subarray(file, file + names),
      numbers: numbers.subarray(file * NUMBERS, (file + names) * NUMBERS),
      digest: takeDigits(1).trim(),
      kconfig: takeDigits(1).trim(),
      digests: takeDigits(names),
    });
    word += 1 + names + below;
    file += names;
  }
  return file === head.files ? { digest: head.digest, folders } : undefined;
}

/** The digest, from the beginning of a packed index. */
export function packedDigest(beginning: Uint8Array): string | undefined {
  const text = Buffer.from(beginning).toString("latin1");
  return text.includes("\n") ? headOf(text.slice(0, text.indexOf("\n")))?.digest : undefined;
}

interface Head {
  readonly digest: string;
  readonly folders: number;
  readonly files: number;
  /** Bytes. */
  readonly text: number;
}

/** Bytes after the head. */
function lengthOf({ folders, files, text }: Head): number {
  return folders * OWN * 8 + files * (NUMBERS * 8 + 2) + (files + folders * 2) * DIGITS + text;
}

function headOf(line: string): Head | undefined {
  try {
    const head = JSON.parse(line) as Partial<Head> & { readonly form?: unknown };
    const { form, digest, folders, files, text } = head;
    if (form !== FORMAT || digest === undefined || folders === undefined || files === undefined) {
      return undefined;
    }
    return text === undefined ? undefined : { digest, folders, files, text };
  } catch {
    return undefined;
  }
}
