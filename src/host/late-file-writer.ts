import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { Writable } from "node:stream";
import { writeError } from "./file-error.js";
import { makeFolders } from "./make-folders.js";

type Done = (error?: Error | null) => void;

/**
 * Creates the file with the first bytes: if the writer fails before, an existing file is unchanged. With `replace` the file
 * replaces an existing one; otherwise that is an error. Later bytes are appended in place.
 */
export class LateFileWriter extends Writable {
  readonly #path: string;
  readonly #replace: boolean;
  #file: FileHandle | undefined;

  constructor(path: string, replace: boolean) {
    super({ decodeStrings: true });
    this.#path = path;
    this.#replace = replace;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#take(chunk).then(
      () => {
        done();
      },
      (error: unknown) => {
        done(writeError(this.#path, error));
      },
    );
  }

  override _destroy(error: Error | null, done: Done): void {
    const closed = this.#file === undefined ? Promise.resolve() : this.#file.close();
    closed.then(
      () => {
        done(error);
      },
      (failure: unknown) => {
        done(error ?? writeError(this.#path, failure));
      },
    );
  }

  async #take(chunk: Uint8Array): Promise<void> {
    if (this.#file === undefined) this.#file = await this.#begin(chunk);
    else await this.#file.writeFile(chunk);
  }

  async #begin(chunk: Uint8Array): Promise<FileHandle> {
    await makeFolders(dirname(this.#path));
    const first = this.#replace
      ? `${this.#path}.tmp-${randomBytes(6).toString("hex")}`
      : this.#path;
    const file = await open(first, "wx", 0o644);
    try {
      await file.writeFile(chunk);
      if (this.#replace) await rename(first, this.#path);
      return file;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(first, { force: true });
      throw error;
    }
  }
}
