import { Readable } from "node:stream";
import { bytesOfPath, plainPath } from "../core/byte-path.js";
import { KdockError } from "../core/errors.js";
import { bytesOf, type Content, sizeOf } from "./content.js";

/** `path` is relative, with forward slashes; see src/core/byte-path.ts. `mode` is permission bits. Owner is root, times are 0. */
export type CpioEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly content: Content;
      /** The same for all hard links of a file, whose content is in the archive once. */
      readonly link?: string | undefined;
    }
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly kind: "character-device" | "block-device";
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    }
  | { readonly kind: "fifo"; readonly path: string; readonly mode: number };

const TYPE_BITS = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  "character-device": 0o020000,
  "block-device": 0o060000,
  fifo: 0o010000,
} as const satisfies Record<CpioEntry["kind"], number>;

/** The size field has 32 bits. */
export const MAX_CPIO_FILE = 0xffff_ffff;
/** The kernel silently skips longer names and links (init/initramfs.c). */
const MAX_PATH_BYTES = 4096;
const BLOCK_SIZE = 512;
const FOLDER_MODE = 0o755;
const TRAILER = Buffer.from("TRAILER!!!");

/**
 * An initramfs in newc format. The bytes are those of GNU cpio 2.14 and later for the same files with all times 0:
 * `find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0`
 * except for hard links, which are in the order of their names, with the content after the last of them.
 */
export function packCpio(entries: readonly CpioEntry[]): Readable {
  return Readable.from(archive(linked(sorted(entries))), { objectMode: false });
}

async function* archive(members: readonly Member[]): AsyncGenerator<Uint8Array> {
  let length = 0;
  const sized = (part: Uint8Array) => {
    length += part.byteLength;
    return part;
  };
  for (const { entry, name, ino, nlink, hasBody } of members) {
    const body = hasBody ? bodyOf(entry) : NO_BYTES;
    const size = sizeOf(body);
    yield sized(header(entry, name, { ino, nlink, size }));
    for await (const chunk of bytesOf(plainPath(entry.path), body)) yield sized(chunk);
    yield sized(padding(size, 4));
  }
  yield sized(encode({ nlink: 1 }, TRAILER));
  yield padding(length, BLOCK_SIZE);
}

const NO_BYTES = new Uint8Array();

interface Named {
  readonly entry: CpioEntry;
  readonly name: Buffer;
}

interface Member extends Named {
  readonly ino: number;
  readonly nlink: number;
  readonly hasBody: boolean;
}

/** By bytes, as `LC_ALL=C sort`: code units would sort U+10000 before U+FF5E. */
function sorted(entries: readonly CpioEntry[]): Named[] {
  const named = entries.map((entry) => ({ entry, name: bytesOfPath(entry.path) }));
  named.sort((a, b) => Buffer.compare(a.name, b.name));
  const folders = new Set<string>();
  let previous: string | undefined;
  for (const { entry, name } of named) {
    check(entry, name);
    const { path } = entry;
    if (path === previous) throw new Error(`${path} is in the archive twice`);
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    // The kernel would silently drop it.
    if (parent !== "" && !folders.has(parent)) throw new Error(`${path} has no folder ${parent}`);
    if (entry.kind === "directory") folders.add(path);
    previous = path;
  }
  return named;
}

/** Hard links of a file share the inode number of the first. */
function linked(named: readonly Named[]): Member[] {
  const groups = new Map<string, number[]>();
  named.forEach(({ entry }, index) => {
    if (entry.kind !== "file" || entry.link === undefined) return;
    groups.set(entry.link, [...(groups.get(entry.link) ?? []), index]);
  });
  return named.map(({ entry, name }, index) => {
    const link = entry.kind === "file" ? entry.link : undefined;
    const group = (link === undefined ? undefined : groups.get(link)) ?? [index];
    return {
      ...{ entry, name, ino: group[0] ?? index, hasBody: index === group.at(-1) },
      nlink: entry.kind === "directory" ? 2 : group.length,
    };
  });
}

function check(entry: CpioEntry, name: Buffer): void {
  const { path } = entry;
  const isRelative = path.split("/").every((part) => !["", ".", ".."].includes(part));
  if (!isRelative) throw new Error(`"${path}" is not a path inside an archive`);
  const target = entry.kind === "symlink" ? entry.target : "";
  if (path.includes("\0") || target.includes("\0")) {
    throw new KdockError("config", `${JSON.stringify(path)} has a NUL byte in its name or target`);
  }
  if (name.length >= MAX_PATH_BYTES || bytesOfPath(target).length >= MAX_PATH_BYTES) {
    const message = `the name or target of ${plainPath(path)} is too long for an initramfs`;
    throw new KdockError("config", message);
  }
  if (entry.kind === "file" && sizeOf(entry.content) > MAX_CPIO_FILE) {
    const message = `${plainPath(path)} is larger than the 4 GiB that an initramfs can hold`;
    throw new KdockError("config", message);
  }
}

function bodyOf(entry: CpioEntry): Content {
  if (entry.kind === "file") return entry.content;
  return entry.kind === "symlink" ? bytesOfPath(entry.target) : NO_BYTES;
}

function header(
  entry: CpioEntry,
  name: Buffer,
  numbers: Pick<HeaderFields, "ino" | "nlink" | "size">,
): Buffer {
  const { rdevMajor, rdevMinor } =
    entry.kind === "character-device" || entry.kind === "block-device"
      ? { rdevMajor: entry.major, rdevMinor: entry.minor }
      : { rdevMajor: 0, rdevMinor: 0 };
  const mode = TYPE_BITS[entry.kind] | (permissions(entry) & 0o7777);
  return encode({ ...numbers, mode, rdevMajor, rdevMinor }, name);
}

function permissions(entry: CpioEntry): number {
  return entry.kind === "symlink" ? 0o777 : (entry.mode ?? FOLDER_MODE);
}

interface HeaderFields {
  readonly ino?: number;
  readonly mode?: number;
  readonly nlink: number;
  readonly size?: number;
  readonly rdevMajor?: number;
  readonly rdevMinor?: number;
}

/** Header and name, padded to a multiple of 4; see Documentation/driver-api/early-userspace/buffer-format.rst. */
function encode(fields: HeaderFields, name: Buffer): Buffer {
  const { ino = 0, mode = 0, nlink, size = 0, rdevMajor = 0, rdevMinor = 0 } = fields;
  const [uid, gid, mtime, devMajor, devMinor, checksum] = [0, 0, 0, 0, 0, 0];
  const numbers = [
    ...[ino, mode, uid, gid, nlink, mtime, size, devMajor, devMinor],
    ...[rdevMajor, rdevMinor, name.length + 1, checksum],
  ];
  const hex = numbers.map((number) => number.toString(16).toUpperCase().padStart(8, "0"));
  const head = Buffer.concat([Buffer.from(`070701${hex.join("")}`), name, Buffer.alloc(1)]);
  return Buffer.concat([head, padding(head.length, 4)]);
}

function padding(length: number, to: number): Buffer {
  return Buffer.alloc((to - (length % to)) % to);
}
