import { constants, existsSync } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KdockError, UnstorableError } from "../core/errors.js";
import { codeOf, writeError } from "./file-error.js";

/** Where the kernel names a process's open files: a path that begins with an open folder, wherever that has been moved to. */
const HANDLES = "/proc/self/fd";
const hasHandles = existsSync(HANDLES);
/** Linux's O_PATH, which Node does not name: neither read nor write permission is needed. */
const O_PATH = 0x200000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * A folder that is held open: what is named by `at` is in this folder, whatever its path leads to meanwhile. Where the
 * machine has no names for open files the path is looked at before each use instead.
 */
export class OpenFolder implements AsyncDisposable {
  /** For messages. */
  readonly path: string;
  readonly #handle: FileHandle | undefined;

  private constructor(path: string, handle: FileHandle | undefined) {
    this.path = path;
    this.#handle = handle;
  }

  /** By a path whose links are followed: the user's own. */
  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(
      await realpath(path),
      hasHandles ? await open(path, O_PATH | O_DIRECTORY) : undefined,
    );
  }

  /** The folder itself; "" names it in `at`. */
  async self(): Promise<string> {
    return this.at("");
  }

  async at(name: string): Promise<string> {
    if (this.#handle !== undefined) return `${HANDLES}/${this.#handle.fd}/${name}`;
    if ((await realpath(this.path)) !== this.path) throw moved(this.path);
    return join(this.path, name);
  }

  /** A folder in this one; rejects when there is a link of that name. */
  async child(name: string): Promise<OpenFolder> {
    const path = await this.at(name);
    if (this.#handle !== undefined) {
      const handle = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      return new OpenFolder(join(this.path, name), handle);
    }
    // The file system may spell the name otherwise.
    const real = await realpath(path);
    if (!(await lstat(path)).isDirectory() || dirname(real) !== this.path) throw moved(path);
    return new OpenFolder(real, undefined);
  }

  /** Why nothing could be made by this name. */
  async namingError(name: string, error: unknown): Promise<KdockError> {
    const path = join(this.path, name);
    const code = codeOf(error) ?? "";
    if (code === "ENAMETOOLONG") {
      return new UnstorableError(path, "the name is too long for the file system there", error);
    }
    // ENOENT: of exFAT by FUSE, and of SMB.
    if (["EINVAL", "EILSEQ"].includes(code) || (code === "ENOENT" && (await this.#isThere()))) {
      const why = `the file system there has no names like ${JSON.stringify(name)}`;
      return new UnstorableError(path, why, error);
    }
    return error instanceof KdockError ? error : writeError(path, error);
  }

  async #isThere(): Promise<boolean> {
    // A folder that was removed has no links.
    return (await lstat(await this.self()).catch(() => ({ nlink: 0 }))).nlink > 0;
  }

  /** The same folder, by a handle that is closed on its own. */
  async duplicate(): Promise<OpenFolder> {
    if (this.#handle === undefined) return new OpenFolder(this.path, undefined);
    return new OpenFolder(this.path, await open(await this.self(), O_PATH | O_DIRECTORY));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }
}

function moved(path: string): KdockError {
  return new KdockError("environment", `${path} is not the folder any more that it was`, {
    hint: "Something else writes there: copy to another place.",
  });
}
