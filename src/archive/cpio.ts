import { Readable } from "node:stream";
import { KdockError } from "../errors.js";
import { bytesOf, sizeOf, type Content } from "./content.js";

/** `path` is relative, with forward slashes; `mode` is permission bits. Owner is root, times are 0. */
export type CpioEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly content: Content;
    }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly kind: "character-device";
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE_BITS = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  "character-device": 0o020000,
} as const satisfies Record<CpioEntry["kind"], number>;

const MAX_FILE_SIZE = 0xffff_ffff;
/** The kernel skips longer names and links without a word (init/initramfs.c). */
const MAX_PATH_BYTES = 4096;
const BLOCK_SIZE = 512;
const TRAILER = Buffer.from("TRAILER!!!");

/**
 * An initramfs in newc format. The bytes are those of GNU cpio 2.14 and later for the same files with all times 0:
 * `find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0`
 */
export function packCpio(entries: readonly CpioEntry[]): Readable {
  return Readable.from(archive(sorted(entries)), { objectMode: false });
}

interface Named {
  readonly entry: CpioEntry;
  readonly name: Buffer;
}

/** By bytes, as LC_ALL=C sort does: code units would put U+10000 before U+FF5E. */
function sorted(entries: readonly CpioEntry[]): Named[] {
  const named = entries.map((entry) => ({ entry, name: Buffer.from(entry.path) }));
  named.sort((a, b) => Buffer.compare(a.name, b.name));
  const folders = new Set<string>();
  let previous: string | undefined;
  for (const { entry, name } of named) {
    check(entry, name);
    const { path } = entry;
    if (path === previous) throw new Error(`${path} is in the archive twice`);
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    // The kernel would drop it without a word.
    if (parent !== "" && !folders.has(parent)) throw new Error(`${path} has no folder ${parent}`);
    if (entry.kind === "directory") folders.add(path);
    previous = path;
  }
  return named;
}

function check(entry: CpioEntry, name: Buffer): void {
  const { path } = entry;
  const isRelative = path.split("/").every((part) => !["", ".", ".."].includes(part));
  if (!isRelative) throw new Error(`"${path}" is not a path inside an archive`);
  const target = entry.kind === "symlink" ? entry.target : "";
  if (path.includes("\0") || target.includes("\0")) {
    throw new KdockError("config", `${JSON.stringify(path)} has a NUL byte in its name or target`);
  }
  if (name.length >= MAX_PATH_BYTES || Buffer.byteLength(target) >= MAX_PATH_BYTES) {
    throw new KdockError("config", `the name or target of ${path} is too long for an initramfs`);
  }
  if (entry.kind === "file" && sizeOf(entry.content) > MAX_FILE_SIZE) {
    throw new KdockError("config", `${path} is larger than the 4 GiB that an initramfs can hold`);
  }
}

async function* archive(entries: readonly Named[]): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const [index, { entry, name }] of entries.entries()) {
    const head = header(entry, name, index);
    yield head;
    offset += head.length;
    const size = bodySize(entry);
    if (size > 0) yield* body(entry);
    if (size % 4 !== 0) yield Buffer.alloc(4 - (size % 4));
    offset += Math.ceil(size / 4) * 4;
  }
  const end = encode({ nlink: 1 }, TRAILER);
  yield end;
  const rest = (offset + end.length) % BLOCK_SIZE;
  if (rest !== 0) yield Buffer.alloc(BLOCK_SIZE - rest);
}

function bodySize(entry: CpioEntry): number {
  if (entry.kind === "file") return sizeOf(entry.content);
  return entry.kind === "symlink" ? Buffer.byteLength(entry.target) : 0;
}

async function* body(entry: CpioEntry): AsyncGenerator<Uint8Array> {
  if (entry.kind === "file") yield* bytesOf(entry.path, entry.content);
  if (entry.kind === "symlink") yield Buffer.from(entry.target);
}

function header(entry: CpioEntry, name: Buffer, ino: number): Buffer {
  const permissions = entry.kind === "symlink" ? 0o777 : entry.mode;
  const isDevice = entry.kind === "character-device";
  const fields = {
    ino,
    mode: TYPE_BITS[entry.kind] | (permissions & 0o7777),
    nlink: entry.kind === "directory" ? 2 : 1,
    size: bodySize(entry),
    rdevMajor: isDevice ? entry.major : 0,
    rdevMinor: isDevice ? entry.minor : 0,
  };
  return encode(fields, name);
}

interface HeaderFields {
  readonly ino?: number;
  readonly mode?: number;
  readonly nlink: number;
  readonly size?: number;
  readonly rdevMajor?: number;
  readonly rdevMinor?: number;
}

/** Header and name, up to the next multiple of 4; see Documentation/driver-api/early-userspace/buffer-format.rst. */
function encode(fields: HeaderFields, name: Buffer): Buffer {
  const { ino = 0, mode = 0, nlink, size = 0, rdevMajor = 0, rdevMinor = 0 } = fields;
  const [uid, gid, mtime, devMajor, devMinor, checksum] = [0, 0, 0, 0, 0, 0];
  const numbers = [
    ...[ino, mode, uid, gid, nlink, mtime, size, devMajor, devMinor],
    ...[rdevMajor, rdevMinor, name.length + 1, checksum],
  ];
  const hex = numbers.map((number) => number.toString(16).toUpperCase().padStart(8, "0"));
  const head = Buffer.concat([Buffer.from(`070701${hex.join("")}`), name, Buffer.alloc(1)]);
  return Buffer.concat([head], Math.ceil(head.length / 4) * 4);
}
