import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, open, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { KdockError } from "../core/errors.js";
import { codeOf, isMissing, whereSupported, writeError } from "./file-error.js";
import { FileWriter } from "./file-writer.js";
import type { FolderFacts, LogFile } from "./host.js";
import { LateFileWriter } from "./late-file-writer.js";
import { Log } from "./log-file.js";
import { fileMode, makeFolders, makeFoldersSync } from "./make-folders.js";
import { moveTree, removeTree as removeBelow } from "./move-tree.js";
import { SparseWriter } from "./sparse-writer.js";

export async function writeAtomic(
  path: string,
  content: string | Uint8Array,
  mode = fileMode(path),
): Promise<void> {
  const temporary = beside(path);
  await written(path, async () => {
    await makeParents(path);
    try {
      await writeSynced(temporary, content, mode);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

export function openLog(path: string): LogFile {
  try {
    makeFoldersSync(dirname(path));
  } catch (error) {
    throw writeError(path, error);
  }
  return new Log(path);
}

export async function makeTemporary(path: string, mode = 0o755): Promise<string> {
  return written(path, async () => {
    await makeParents(path);
    const folder = await mkdtemp(`${path}.tmp-`);
    // mkdtemp creates it with 0700.
    await whereSupported(chmod(folder, mode));
    return folder;
  });
}

export async function writeStream(
  path: string,
  mode: number,
  modified?: Date,
): Promise<NodeJS.WritableStream> {
  return written(path, async () => {
    await makeParents(path);
    const file = await open(path, "wx", mode);
    // Independent of the umask.
    await file.chmod(mode);
    return new FileWriter(file, path, modified);
  });
}

export async function writeSparse(path: string, mode: number): Promise<NodeJS.WritableStream> {
  return written(path, async () => {
    await makeParents(path);
    return new SparseWriter(await open(path, "wx", mode), path);
  });
}

export function writeLate(path: string, { replace }: { replace: boolean }): NodeJS.WritableStream {
  return new LateFileWriter(path, replace);
}

export async function makeFolder(path: string): Promise<void> {
  await written(path, () => makeFolders(path));
}

export async function replace(from: string, to: string): Promise<void> {
  await written(to, async () => {
    await makeParents(to);
    try {
      await rename(from, to);
    } catch (error) {
      if (!isOccupied(error)) throw error;
      await swap(from, to);
    }
  });
}

export async function mergeInto(
  from: string,
  to: string,
  folders: readonly FolderFacts[] = [],
): Promise<void> {
  await written(to, () => moveTree(from, to, folders));
}

export async function pointLink(link: string, target: string): Promise<void> {
  const temporary = beside(link);
  await written(link, async () => {
    await makeParents(link);
    try {
      await symlink(target, temporary);
      await rename(temporary, link);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

export async function remove(path: string): Promise<void> {
  await written(path, () => rm(path, { recursive: true, force: true }));
}

export async function removeTree(path: string): Promise<void> {
  await written(path, async () => {
    await removeBelow(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  });
}

async function written<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw error instanceof KdockError ? error : writeError(path, error);
  }
}

async function makeParents(path: string): Promise<void> {
  await makeFolders(dirname(path));
}

/** A temporary name in the same folder, so that it can be renamed. */
function beside(path: string): string {
  return `${path}.tmp-${randomBytes(6).toString("hex")}`;
}

async function writeSynced(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(content);
    // Otherwise the name may survive a power failure without the content.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The target is a folder that is not empty, or one of both is a folder and the other a file. */
function isOccupied(error: unknown): boolean {
  return ["ENOTEMPTY", "EEXIST", "ENOTDIR", "EISDIR", "EPERM"].includes(codeOf(error) ?? "");
}

async function swap(from: string, to: string): Promise<void> {
  const old = beside(to);
  await rename(to, old);
  try {
    await rename(from, to);
  } catch (error) {
    await rename(old, to);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}
