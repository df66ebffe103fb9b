import { mkdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { STATE_FOLDER } from "../core/state-folder.js";

/** As `mkdir -p`: each folder that is made gets the mode that `folderMode` says. */
export async function makeFolders(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: folderMode(path) });
}

export function makeFoldersSync(path: string): void {
  mkdirSync(path, { recursive: true, mode: folderMode(path) });
}

/**
 * For what is made at a path, less the umask. In the state folder only its owner may write, whatever the umask: kdock
 * refuses a state folder that others may write to. A group of the folder above it (setgid) counts as others.
 */
export function folderMode(path: string): number {
  return isInState(path) ? 0o755 : 0o777;
}

export function fileMode(path: string): number {
  return isInState(path) ? 0o644 : 0o666;
}

function isInState(path: string): boolean {
  return path.split("/").includes(STATE_FOLDER);
}
