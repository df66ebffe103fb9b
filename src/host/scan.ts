import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { readError } from "./file-error.js";
import type { ScannedFile } from "./host.js";

/**
 * Every file and link below a folder, in code-unit order of path. Synchronous on purpose: a kernel has 90 000 files, of
 * which promises would take several seconds.
 */
export function scan(root: string, skip: (path: string) => boolean): ScannedFile[] {
  const found: ScannedFile[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder === "" ? root : `${root}/${folder}`, {
      withFileTypes: true,
    })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (skip(path)) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() || entry.isSymbolicLink()) found.push(fileAt(root, path));
    }
  };
  try {
    walk("");
  } catch (error) {
    throw readError((error as NodeJS.ErrnoException).path ?? root, error);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function fileAt(root: string, path: string): ScannedFile {
  const full = `${root}/${path}`;
  const { mode, size, mtimeMs, ctimeMs } = lstatSync(full);
  const isLink = (mode & 0o170000) === 0o120000;
  return {
    path,
    mode: isLink ? 0o777 : mode & 0o777,
    target: isLink ? readlinkSync(full) : undefined,
    size,
    modified: mtimeMs,
    changed: ctimeMs,
  };
}
