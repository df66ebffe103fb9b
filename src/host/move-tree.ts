import { chmod, lstat, readdir, rename, rmdir, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KdockError } from "../core/errors.js";
import { isMissing, whereSupported } from "./file-error.js";
import type { FolderFacts } from "./host.js";
import { OpenFolder } from "./open-folder.js";

/** See `HostFiles.mergeInto`. Uses open folders on both sides, so that a link created meanwhile is not followed. */
export async function moveTree(
  from: string,
  to: string,
  folders: readonly FolderFacts[],
): Promise<void> {
  await using source = await OpenFolder.open(dirname(from));
  await using target = await OpenFolder.open(dirname(to));
  await merge(source, basename(from), target, basename(to));
  for (const { path, mode, modified } of folders) {
    await using folder = await descend(target, join(basename(to), path));
    const self = await folder.self();
    await whereSupported(chmod(self, mode));
    if (modified !== undefined) await whereSupported(utimes(self, modified, modified));
  }
}

async function merge(
  source: OpenFolder,
  sourceName: string,
  target: OpenFolder,
  targetName: string,
): Promise<void> {
  const from = await source.at(sourceName);
  const to = await target.at(targetName);
  const there = await lstat(to).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  const isFolder = (await lstat(from)).isDirectory();
  if (there === undefined || (!isFolder && !there.isDirectory())) {
    await rename(from, to).catch(async (error: unknown) => {
      throw await target.namingError(targetName, error);
    });
  } else if (isFolder && there.isDirectory()) {
    await using outer = await source.child(sourceName);
    await using inner = await target.child(targetName);
    for (const name of await readdir(await outer.self())) await merge(outer, name, inner, name);
  } else {
    const what = there.isDirectory() ? "a folder" : "not a folder";
    throw new KdockError("environment", `${join(target.path, targetName)} exists and is ${what}`, {
      hint: "Remove it, or copy to another place.",
    });
  }
}

async function descend(root: OpenFolder, path: string): Promise<OpenFolder> {
  let folder = root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const next = await folder.child(name);
    if (folder !== root) await folder[Symbol.asyncDispose]();
    folder = next;
  }
  return folder;
}

/** `rm -r` that follows no link, even if another process changes the tree meanwhile. */
export async function removeTree(path: string): Promise<void> {
  await using above = await OpenFolder.open(dirname(path));
  await removeBelow(above, basename(path));
}

async function removeBelow(above: OpenFolder, name: string): Promise<void> {
  const path = await above.at(name);
  if (!(await lstat(path)).isDirectory()) {
    await unlink(path);
    return;
  }
  {
    await using folder = await above.child(name);
    for (const below of await readdir(await folder.self())) await removeBelow(folder, below);
  }
  await rmdir(path);
}
