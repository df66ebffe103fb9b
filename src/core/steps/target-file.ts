import { KdockError } from "../errors.js";
import type { HostFiles } from "../../host/host.js";

export interface TargetOptions {
  readonly force: boolean;
  /** The hint if the file exists. */
  readonly hint?: string;
}

/**
 * The real path of an output file that the user named. Rejects with a `usage` error if it exists, unless `force` is set, and if
 * it is not a regular file: replacing a device would remove it.
 */
export async function targetFile(
  files: HostFiles,
  path: string,
  { force, hint = "Name another file, or replace it with --force." }: TargetOptions,
): Promise<string> {
  const there = await files.status(path);
  if (there === undefined) return path;
  if (await files.isFolder(path)) {
    throw new KdockError("usage", `${path} is a folder`, { hint: "Name a file." });
  }
  if (await isSpecial(files, path)) {
    throw new KdockError("usage", `${path} is a device, socket or pipe`, { hint: "Name a file." });
  }
  if (!force) {
    throw new KdockError("usage", `${path} already exists`, { hint });
  }
  return (await files.exists(path)) ? await files.realPath(path) : path;
}

async function isSpecial(files: HostFiles, path: string): Promise<boolean> {
  const there = await files.status(path);
  if (there?.kind !== "symlink") return there?.kind === "other";
  // /dev/stdout may be a file or a pipe, depending on the process.
  if (there.target.startsWith("/proc/")) return true;
  return (await files.exists(path)) && (await isSpecial(files, await files.realPath(path)));
}
