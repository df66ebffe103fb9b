import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { outputPieces, terminalPieces, type OutputPiece } from "./frames.js";

export interface StreamShape {
  /** With a terminal the bytes come as they are, without one in frames. */
  readonly tty: boolean;
  /** "merged": stderr among stdout, in order; "apart": on `stderr`. */
  readonly stderr: "merged" | "apart";
  /** Ends the stream with the signal's reason. */
  readonly signal: AbortSignal;
  /**
   * Destroying the stream ends the command's input, and closes the connection once the engine has done so. Closed with
   * output unread, the connection would be reset, after which Podman leaves the command's input open.
   */
  readonly endInputFirst: boolean;
}

/** For how long the engine may take to close the connection once the command's input has ended. */
const HANG_UP_MS = 1000;

/**
 * A connection the engine has handed over, as stdin (write; `end()` closes it and leaves the output open) and stdout
 * (read) of a container or a command in it.
 */
export class ContainerStream extends Duplex {
  /** Buffers without limit, so that whoever reads stdout to its end first is not stuck; empty when merged. */
  readonly stderr = new PassThrough();
  /** Settles, never rejects, when the engine has ended the output. */
  readonly drained: Promise<void>;
  readonly #connection: Duplex;
  readonly #endInputFirst: boolean;

  constructor(connection: Duplex, shape: StreamShape) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.#endInputFirst = shape.endInputFirst;
    const abort = () => {
      this.destroy(shape.signal.reason as Error);
    };
    shape.signal.addEventListener("abort", abort);
    this.once("close", () => {
      shape.signal.removeEventListener("abort", abort);
    });
    // Errors reach whoever reads or writes; somebody who does neither yet must not be killed by them.
    this.on("error", () => undefined);
    connection.on("error", () => undefined);
    if (shape.stderr === "merged") this.stderr.end();
    const pieces = shape.tty ? terminalPieces(connection) : outputPieces(connection);
    this.drained = this.#pump(pieces, shape.stderr);
    if (shape.signal.aborted) abort();
  }

  override _read(): void {
    this.emit("wanted");
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    // A command that has ended takes no more input, which is no failure: what it said is still to be read.
    this.#connection.write(chunk, () => {
      done();
    });
  }

  override _final(done: () => void): void {
    this.#connection.end(() => {
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.emit("wanted");
    if (!this.stderr.writableEnded) this.stderr.end();
    if (this.#endInputFirst) {
      void this.#closeInOrder().then(() => {
        done(error);
      });
    } else {
      this.#connection.destroy();
      done(error);
    }
  }

  async #closeInOrder(): Promise<void> {
    if (this.#connection.writable) this.#connection.end();
    const late = setTimeout(() => this.#connection.destroy(), HANG_UP_MS);
    await this.drained;
    clearTimeout(late);
    this.#connection.destroy();
  }

  async #pump(pieces: AsyncIterable<OutputPiece>, stderr: "merged" | "apart"): Promise<void> {
    try {
      for await (const { channel, bytes } of pieces) {
        // Unread output would keep the command, and the engine, from its end.
        if (this.destroyed && this.#endInputFirst) continue;
        // eslint-disable-next-line no-restricted-syntax -- bytes of a container
        if (channel === "stderr" && stderr === "apart") this.stderr.write(bytes);
        else if (!this.push(bytes) && !this.destroyed) await once(this, "wanted");
        if (this.destroyed && !this.#endInputFirst) return;
      }
    } catch (error) {
      if (!isHangUp(error) && !this.destroyed) {
        this.destroy(error as Error);
        return;
      }
    }
    if (this.destroyed) return;
    this.push(null);
    this.stderr.end();
  }
}

/**
 * The engine hangs up like this on input that nobody takes any more. Whether the command has really ended is asked of
 * the engine afterwards (`wait`, `exitCode`), which also finds out when the engine itself is gone.
 */
function isHangUp(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
