import { KdockError } from "../errors.js";

/** `path` is relative, with forward slashes; `mode` is permission bits. Owner is root, times are 0. */
export type CpioEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly content: Uint8Array;
    }
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
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
const FOLDER_MODE = 0o755;
const TRAILER = Buffer.from("TRAILER!!!");

/**
 * An initramfs in newc format. The bytes are those of GNU cpio 2.14 and later for the same files with all times 0:
 * `find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0`
 */
export function packCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts = sorted(entries).flatMap(({ entry, name }, index) => {
    const body = bodyOf(entry);
    return [header(entry, name, index, body.byteLength), body, padding(body.byteLength, 4)];
  });
  parts.push(encode({ nlink: 1 }, TRAILER));
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat([...parts, padding(length, BLOCK_SIZE)]);
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
  if (entry.kind === "file" && entry.content.byteLength > MAX_FILE_SIZE) {
    throw new KdockError("config", `${path} is larger than the 4 GiB that an initramfs can hold`);
  }
}

function bodyOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.content;
  return Buffer.from(entry.kind === "symlink" ? entry.target : "");
}

function header(entry: CpioEntry, name: Buffer, ino: number, size: number): Buffer {
  const isDevice = entry.kind === "character-device";
  const fields = {
    ino,
    mode: TYPE_BITS[entry.kind] | (permissions(entry) & 0o7777),
    nlink: entry.kind === "directory" ? 2 : 1,
    size,
    rdevMajor: isDevice ? entry.major : 0,
    rdevMinor: isDevice ? entry.minor : 0,
  };
  return encode(fields, name);
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
  return Buffer.concat([head, padding(head.length, 4)]);
}

function padding(length: number, to: number): Buffer {
  return Buffer.alloc((to - (length % to)) % to);
}
