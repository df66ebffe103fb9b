import type { FileHandle } from "node:fs/promises";
import { Writable } from "node:stream";
import { writeError } from "./file-error.js";

type Done = (error?: Error | null) => void;

/** Writes a sparse file: chunks of zeros, which most of a guest's memory consists of, become holes. Owns the handle. */
export class SparseWriter extends Writable {
  readonly #file: FileHandle;
  readonly #path: string;
  #at = 0;
  #zeros = Buffer.alloc(1 << 16);

  constructor(file: FileHandle, path: string) {
    super({ decodeStrings: true });
    this.#file = file;
    this.#path = path;
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    const at = this.#at;
    this.#at += chunk.length;
    if (this.#isZero(chunk)) done();
    else this.#settle(this.#writeAll(chunk, at), done);
  }

  override _final(done: Done): void {
    this.#settle(this.#file.truncate(this.#at), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#file.close().then(
      () => {
        done(error);
      },
      (failure: unknown) => {
        done(error ?? writeError(this.#path, failure));
      },
    );
  }

  #isZero(chunk: Buffer): boolean {
    if (chunk.length > this.#zeros.length) this.#zeros = Buffer.alloc(chunk.length);
    return chunk.equals(this.#zeros.subarray(0, chunk.length));
  }

  async #writeAll(chunk: Buffer, at: number): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#file.write(chunk, done, chunk.length - done, at + done);
      done += bytesWritten;
    }
  }

  #settle(written: Promise<void>, done: Done): void {
    written.then(
      () => {
        done();
      },
      (error: unknown) => {
        done(writeError(this.#path, error));
      },
    );
  }
}
