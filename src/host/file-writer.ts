import type { FileHandle } from "node:fs/promises";
import { Writable } from "node:stream";
import { whereSupported, writeError } from "./file-error.js";

/** Large, because each write is a round trip to another thread: chunks of a socket are small. */
const BUFFER_BYTES = 1 << 20;

interface Chunk {
  readonly chunk: Uint8Array;
}

type Done = (error?: Error | null) => void;

/** A file as a stream with errors from `writeError`: `fs.WriteStream` would emit a bare ENOSPC. Owns the handle. */
export class FileWriter extends Writable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #modified: Date | undefined;

  constructor(file: FileHandle, path: string, modified?: Date) {
    super({ highWaterMark: BUFFER_BYTES, decodeStrings: true });
    this.#file = file;
    this.#path = path;
    this.#modified = modified;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#settle(this.#writeAll([chunk]), done);
  }

  override _writev(chunks: Chunk[], done: Done): void {
    this.#settle(this.#writeAll(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    const time = this.#modified;
    const timed = time === undefined ? undefined : whereSupported(this.#file.utimes(time, time));
    this.#settle(timed ?? Promise.resolve(), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    const closed = this.#file.close();
    closed.then(
      () => {
        done(error);
      },
      (failure: unknown) => {
        done(error ?? writeError(this.#path, failure));
      },
    );
  }

  async #writeAll(chunks: readonly Uint8Array[]): Promise<void> {
    const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    let { bytesWritten } = await this.#file.writev(chunks);
    if (bytesWritten === total) return;
    const all = Buffer.concat(chunks);
    while (bytesWritten < total) {
      bytesWritten += (await this.#file.write(all, bytesWritten)).bytesWritten;
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
