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
import { KdockError } from "../errors.js";
import { isMissing, readError } from "./file-error.js";
import type { FileStatus, TreeEntry } from "./host.js";

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

export async function readBytes(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((error: unknown) => {
    throw readError(path, error);
  });
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
    const { mode, uid, gid, size: sizeBytes, mtime: modified } = found;
    return { kind, mode: mode & 0o7777, uid, gid, sizeBytes, modified, target };
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

/** Large enough that a file is read in few trips to another thread. */
const READ_BYTES = 1 << 18;

export function readStream(path: string): Readable {
  const read = createReadStream(path, { highWaterMark: READ_BYTES });
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
    // Not on this machine, or not for us to see.
    return undefined;
  }
}

export async function tree(path: string): Promise<TreeEntry[]> {
  const entries = await below(path, "");
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function below(root: string, folder: string): Promise<TreeEntry[]> {
  const full = join(root, folder);
  const children = await readdir(full, { withFileTypes: true }).catch((error: unknown) => {
    throw readError(full, error);
  });
  const found = await Promise.all(children.map((child) => entriesOf(root, folder, child)));
  return found.flat();
}

async function entriesOf(root: string, folder: string, child: Dirent): Promise<TreeEntry[]> {
  const path = folder === "" ? child.name : `${folder}/${child.name}`;
  const full = join(root, path);
  // Node has put this in the place of bytes that are no UTF-8, and finds no such file.
  if (child.name.includes("\ufffd")) {
    throw new KdockError("config", `${full}: the name is not UTF-8, which kdock cannot take`, {
      hint: "Give that file another name.",
    });
  }
  const kind = kindOf(full, child);
  try {
    const { mode, size } = await lstat(full);
    const target = kind === "symlink" ? await readlink(full) : "";
    const sizeBytes = kind === "file" ? size : 0;
    const entry = { path, kind, mode: mode & 0o7777, target, sizeBytes };
    return kind === "directory" ? [entry, ...(await below(root, path))] : [entry];
  } catch (error) {
    throw error instanceof KdockError ? error : readError(full, error);
  }
}

function kindOf(path: string, child: Dirent): TreeEntry["kind"] {
  if (child.isFile()) return "file";
  if (child.isDirectory()) return "directory";
  if (child.isSymbolicLink()) return "symlink";
  throw new KdockError("config", `${path} is a device, socket or pipe; kdock takes files only`);
}
