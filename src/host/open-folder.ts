import { constants, existsSync } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KdockError, UnstorableError } from "../core/errors.js";
import { codeOf, writeError } from "./file-error.js";

/** Paths below an entry of /proc/self/fd start at the open folder, even if that was moved. */
const HANDLES = "/proc/self/fd";
const hasHandles = existsSync(HANDLES);
/** Linux's O_PATH, which Node does not define: needs neither read nor write permission. */
const O_PATH = 0x200000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * A folder that is held open: paths from `at` are in this folder, even if its own path refers to another one meanwhile. Without
 * /proc/self/fd the path is checked before each use instead.
 */
export class OpenFolder implements AsyncDisposable {
  /** For messages. */
  readonly path: string;
  readonly #handle: FileHandle | undefined;

  private constructor(path: string, handle: FileHandle | undefined) {
    this.path = path;
    this.#handle = handle;
  }

  /** Follows links in the path, which is the user's. */
  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(
      await realpath(path),
      hasHandles ? await open(path, O_PATH | O_DIRECTORY) : undefined,
    );
  }

  /** A path of the folder itself. */
  async self(): Promise<string> {
    return this.at("");
  }

  async at(name: string): Promise<string> {
    if (this.#handle !== undefined) return `${HANDLES}/${this.#handle.fd}/${name}`;
    if ((await realpath(this.path)) !== this.path) throw moved(this.path);
    return join(this.path, name);
  }

  /** A subfolder; rejects if the name is a link. */
  async child(name: string): Promise<OpenFolder> {
    const path = await this.at(name);
    if (this.#handle !== undefined) {
      const handle = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      return new OpenFolder(join(this.path, name), handle);
    }
    // The file system may return another spelling of the name.
    const real = await realpath(path);
    if (!(await lstat(path)).isDirectory() || dirname(real) !== this.path) throw moved(path);
    return new OpenFolder(real, undefined);
  }

  /** The error for an entry that could not be created under a name. */
  async namingError(name: string, error: unknown): Promise<KdockError> {
    const path = join(this.path, name);
    const code = codeOf(error) ?? "";
    if (code === "ENAMETOOLONG") {
      return new UnstorableError(path, "the name is too long for the file system there", error);
    }
    // exFAT over FUSE and SMB return ENOENT.
    if (["EINVAL", "EILSEQ"].includes(code) || (code === "ENOENT" && (await this.#isThere()))) {
      const why = `the file system there has no names like ${JSON.stringify(name)}`;
      return new UnstorableError(path, why, error);
    }
    return error instanceof KdockError ? error : writeError(path, error);
  }

  async #isThere(): Promise<boolean> {
    // A removed folder has a link count of 0.
    return (await lstat(await this.self()).catch(() => ({ nlink: 0 }))).nlink > 0;
  }

  /** The same folder with a separate handle. */
  async duplicate(): Promise<OpenFolder> {
    if (this.#handle === undefined) return new OpenFolder(this.path, undefined);
    return new OpenFolder(this.path, await open(await this.self(), O_PATH | O_DIRECTORY));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }
}

function moved(path: string): KdockError {
  return new KdockError("environment", `${path} was replaced by another folder or a link`, {
    hint: "Another process writes there: copy to another place.",
  });
}
