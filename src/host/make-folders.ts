import { mkdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { STATE_FOLDER } from "../core/state-folder.js";

/** As `mkdir -p`; new folders get the mode of `folderMode`. */
export async function makeFolders(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: folderMode(path) });
}

export function makeFoldersSync(path: string): void {
  mkdirSync(path, { recursive: true, mode: folderMode(path) });
}

/**
 * The mode of a new folder, before the umask. In the state folder only the owner may write, independent of the umask: kdock
 * rejects a state folder that others may write to. The group counts as others, since the parent folder may set it (setgid).
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
