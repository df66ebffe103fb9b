import { type BigIntStats, createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { pathOfBytes, plainPath } from "../core/byte-path.js";
import { readError } from "./file-error.js";
import type { FileNode } from "./host.js";

const SLASH = Buffer.from("/");
/** Large, because each read is a round trip to another thread. */
const READ_BYTES = 1 << 18;

/** See HostFiles. */
export async function nodes(root: string): Promise<FileNode[]> {
  return await below(Buffer.from(root), "");
}

async function below(folder: Buffer, path: string): Promise<FileNode[]> {
  const names = await readdir(folder, { encoding: "buffer" }).catch((error: unknown) => {
    throw readError(shown(folder), error);
  });
  const found: FileNode[] = [];
  for (const name of names) {
    const full = Buffer.concat([folder, SLASH, name]);
    const inside = path === "" ? pathOfBytes(name) : `${path}/${pathOfBytes(name)}`;
    const node = await nodeAt(full, inside);
    found.push(node);
    if (node.kind === "directory") found.push(...(await below(full, inside)));
  }
  return found;
}

async function nodeAt(full: Buffer, path: string): Promise<FileNode> {
  try {
    const status = await lstat(full, { bigint: true });
    const kind = kindOf(status);
    const target = kind === "symlink" ? await readlink(full, { encoding: "buffer" }) : undefined;
    return {
      ...{ path, kind, mode: Number(status.mode) & 0o7777 },
      target: target === undefined ? "" : pathOfBytes(target),
      sizeBytes: kind === "file" ? Number(status.size) : 0,
      ...deviceNumbers(status.rdev),
      link: kind === "file" && status.nlink > 1n ? `${status.dev}:${status.ino}` : undefined,
      open: () => readStream(full),
    };
  } catch (error) {
    throw readError(shown(full), error);
  }
}

function kindOf(status: BigIntStats): FileNode["kind"] {
  if (status.isFile()) return "file";
  if (status.isDirectory()) return "directory";
  if (status.isSymbolicLink()) return "symlink";
  if (status.isCharacterDevice()) return "character-device";
  if (status.isBlockDevice()) return "block-device";
  return status.isFIFO() ? "fifo" : "socket";
}

/** Unpacks a dev_t of Linux's C library, with 32 bits each. */
function deviceNumbers(rdev: bigint): { readonly major: number; readonly minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return { major: Number(major), minor: Number(minor) };
}

function readStream(full: Buffer): Readable {
  const read = createReadStream(full, { highWaterMark: READ_BYTES });
  const out = new PassThrough({ highWaterMark: READ_BYTES });
  pipeline(read, out, () => undefined);
  read.prependOnceListener("error", (error) => out.destroy(readError(shown(full), error)));
  return out;
}

function shown(full: Buffer): string {
  const path = pathOfBytes(full);
  return plainPath(path) === path ? path : plainPath(path).slice(2);
}
