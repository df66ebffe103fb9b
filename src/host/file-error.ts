import { KdockError, messageOf, UnstorableError } from "../core/errors.js";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EEXIST: "it exists already",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  EROFS: "the file system is read-only",
};

const FULL = new Set(["ENOSPC", "EDQUOT"]);

export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** A `config` error: files that are read are named by the user. */
export function readError(path: string, error: unknown): KdockError {
  return new KdockError("config", `cannot read ${path}: ${reason(error)}`, { cause: error });
}

/** An `environment` error: kdock chooses the files that it writes. */
export function writeError(path: string, error: unknown): KdockError {
  if (FULL.has(codeOf(error) ?? "")) {
    return new KdockError("environment", `no space left on the disk that holds ${path}`, {
      hint: "Free some space there, or remove old builds with `kdock clean`.",
      cause: error,
    });
  }
  if (codeOf(error) === "EFBIG") {
    return new UnstorableError(path, "it is too large for the file system there", error);
  }
  return new KdockError("environment", `cannot write ${path}: ${reason(error)}`, { cause: error });
}

/** Error codes of file systems without links, modes or times; ENOSYS is from FUSE. */
const UNSUPPORTED = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

export function isUnsupported(error: unknown): boolean {
  return UNSUPPORTED.has(codeOf(error) ?? "");
}

/** Ignores that a file system does not support modes or times. */
export async function whereSupported(setting: Promise<void>): Promise<void> {
  await setting.catch((error: unknown) => {
    if (!isUnsupported(error)) throw error;
  });
}

function reason(error: unknown): string {
  return REASONS[codeOf(error) ?? ""] ?? messageOf(error);
}
