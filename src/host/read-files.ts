import { constants, createReadStream, type Dirent, type Stats } from "node:fs";
import {
  access,
  lstat,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  stat,
  statfs,
} from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { KdockError, messageOf } from "../core/errors.js";
import { isMissing, readError } from "./file-error.js";
import type { FileStatus, OnLeftOut, TreeEntry } from "./host.js";

export async function readText(path: string): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw readError(path, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new KdockError("config", `${path} is not UTF-8 text`, { cause: error });
  }
}

export async function readBytes(path: string, max?: number): Promise<Uint8Array> {
  const reading = max === undefined ? readFile(path) : readAtMost(path, max);
  return await reading.catch((error: unknown) => {
    throw readError(path, error);
  });
}

async function readAtMost(path: string, max: number): Promise<Uint8Array> {
  await using file = await open(path);
  let buffer = Buffer.allocUnsafe(1 << 14);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length > max) throw new Error(`it has more than ${max} bytes`);
    if (length === buffer.length) {
      buffer = Buffer.concat([buffer], buffer.length * 2);
    }
  }
}

export async function readHead(path: string, bytes: number): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw readError(path, error);
  }
}

export async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw readError(path, error);
  }
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw readError(path, error);
  }
}

export async function status(path: string): Promise<FileStatus | undefined> {
  try {
    const found = await lstat(path);
    const kind = statusKind(found);
    const target = kind === "symlink" ? await readlink(path) : "";
    const { mode, uid, gid, size: sizeBytes, mtime: modified, dev, ino, nlink } = found;
    const inode = kind === "file" && nlink > 1 ? `${dev}:${ino}` : undefined;
    return { kind, mode: mode & 0o7777, uid, gid, sizeBytes, modified, target, inode };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw readError(path, error);
  }
}

function statusKind(found: Stats): FileStatus["kind"] {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  return found.isSymbolicLink() ? "symlink" : "other";
}

/** Large, because each read is a round trip to another thread. */
const READ_BYTES = 1 << 18;

export function readStream(path: string): Readable {
  return reporting(path, createReadStream(path, { highWaterMark: READ_BYTES }));
}

export async function openStream(path: string): Promise<Readable> {
  const file = await open(path).catch((error: unknown) => {
    throw readError(path, error);
  });
  return reporting(path, file.createReadStream({ highWaterMark: READ_BYTES }));
}

function reporting(path: string, read: Readable): Readable {
  const out = new PassThrough({ highWaterMark: READ_BYTES });
  pipeline(read, out, () => undefined);
  read.prependOnceListener("error", (error) => out.destroy(readError(path, error)));
  return out;
}

export async function list(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown) => {
    throw readError(path, error);
  });
  return names.sort();
}

export async function realPath(path: string): Promise<string> {
  return await realpath(path).catch((error: unknown) => {
    throw readError(path, error);
  });
}

export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    // There is no such path, or this user has no access.
    return undefined;
  }
}

export async function tree(path: string, onLeftOut?: OnLeftOut): Promise<TreeEntry[]> {
  const entries = await below(path, "", onLeftOut ?? refuse);
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));

  function refuse(inside: string, why: string, cause?: unknown): never {
    const full = join(path, inside);
    if (cause !== undefined) throw readError(full, cause);
    throw new KdockError("config", `${full}: ${why}`, {
      hint: "Remove it from the folder, or rename it.",
    });
  }
}

type LeaveOut = (path: string, why: string, cause?: unknown) => void;

async function below(root: string, folder: string, leaveOut: LeaveOut): Promise<TreeEntry[]> {
  try {
    const children = await readdir(join(root, folder), { withFileTypes: true });
    const found = await Promise.all(
      children.map((child) => entriesOf(root, folder, child, leaveOut)),
    );
    return found.flat();
  } catch (error) {
    if (error instanceof KdockError) throw error;
    leaveOut(folder, messageOf(readError(join(root, folder), error)), error);
    return [];
  }
}

async function entriesOf(
  root: string,
  folder: string,
  child: Dirent,
  leaveOut: LeaveOut,
): Promise<TreeEntry[]> {
  const path = folder === "" ? child.name : `${folder}/${child.name}`;
  // Node replaces bytes that are not UTF-8 by U+FFFD, and cannot open such a name.
  if (child.name.includes("\ufffd")) {
    leaveOut(path, "the name is not UTF-8, which kdock does not support");
    return [];
  }
  const kind = kindOf(child);
  if (kind === undefined) {
    leaveOut(path, "it is a device, socket or pipe; kdock copies files only");
    return [];
  }
  const full = join(root, path);
  try {
    const { mode, size } = await lstat(full);
    const target = kind === "symlink" ? await readlink(full) : "";
    const sizeBytes = kind === "file" ? size : 0;
    const entry = { path, kind, mode: mode & 0o7777, target, sizeBytes };
    return kind === "directory" ? [entry, ...(await below(root, path, leaveOut))] : [entry];
  } catch (error) {
    if (error instanceof KdockError) throw error;
    leaveOut(path, messageOf(readError(full, error)), error);
    return [];
  }
}

function kindOf(child: Dirent): TreeEntry["kind"] | undefined {
  if (child.isFile()) return "file";
  if (child.isDirectory()) return "directory";
  return child.isSymbolicLink() ? "symlink" : undefined;
}
