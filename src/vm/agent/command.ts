import { Readable, Writable } from "node:stream";
import { deferred } from "../../core/deferred.js";
import { MAX_PAYLOAD, OUT_WINDOW, STDIN_WINDOW } from "./frames.js";
import type { HostFrame, TtySize } from "./frames.js";

export type GuestExit =
  /** `error` says why the command could not be run at all; the code is 126 or 127 then. */
  | { readonly kind: "exited"; readonly code: number; readonly error: string | undefined }
  | { readonly kind: "signalled"; readonly signal: number };

/**
 * A command in the guest. Both outputs must be read or destroyed: an unread one blocks the whole session, and
 * no other, because nothing is kept in memory beyond a stream's usual buffer.
 */
export interface GuestCommand {
  /** Takes no more than the guest does. Closed, without an error, when the command ends. */
  readonly stdin: Writable;
  /** Both end without an error even when the guest goes away; `exit` tells. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when all output is in the two streams; rejects with a `vm` error when the guest goes away before. */
  readonly exit: Promise<GuestExit>;
  /** To the command's process group: 2 is SIGINT, 9 SIGKILL, 15 SIGTERM. */
  signal(number: number): void;
  /** For a command with a tty. */
  resize(size: TtySize): void;
}

/** Few enough acknowledgements, and long before the agent has to wait for one. */
const ACK_BYTES = OUT_WINDOW / 8;

export type Send = (frame: HostFrame) => void;

/** The host's end of one command: what the session does with its frames. */
export class Command implements GuestCommand {
  readonly stdin: Writable;
  readonly stdout = new Output({ highWaterMark: MAX_PAYLOAD });
  readonly stderr = new Output({ highWaterMark: MAX_PAYLOAD });
  readonly exit: Promise<GuestExit>;
  readonly #id: number;
  readonly #send: Send;
  readonly #exit = deferred<GuestExit>();
  #error: string | undefined;
  /** Bytes of output that the guest does not know to be taken. */
  #taken = 0;
  /** Bytes of stdin the guest still has room for. */
  #room = STDIN_WINDOW;
  #onRoom: (() => void) | undefined;

  constructor(id: number, send: Send) {
    this.#id = id;
    this.#send = send;
    this.exit = this.#exit.promise;
    // `exit` need not be awaited: no unhandled rejection then.
    this.exit.catch(() => undefined);
    this.stdin = new Writable({
      highWaterMark: STDIN_WINDOW,
      write: (chunk: Buffer, _encoding, done) => {
        this.#feed(chunk, done);
      },
      final: (done) => {
        send({ kind: "stdin", id, bytes: Buffer.alloc(0) });
        done();
      },
    });
  }

  signal(number: number): void {
    this.#send({ kind: "signal", id: this.#id, signal: number });
  }

  resize(size: TtySize): void {
    this.#send({ kind: "resize", id: this.#id, size });
  }

  acknowledge(bytes: number): void {
    this.#room = Math.min(this.#room + bytes, STDIN_WINDOW);
    this.#onRoom?.();
  }

  /** So many bytes more have found a reader, or need none. */
  taken(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < ACK_BYTES) return;
    this.#send({ kind: "outAck", id: this.#id, bytes: this.#taken });
    this.#taken = 0;
  }

  couldNotRun(why: string): void {
    this.#error = why;
  }

  exited(code: number): void {
    this.#end();
    this.#exit.resolve({ kind: "exited", code, error: this.#error });
  }

  signalled(signal: number): void {
    this.#end();
    this.#exit.resolve({ kind: "signalled", signal });
  }

  /** The session is lost; `reason` may take a while to find. */
  abandon(reason: Promise<unknown>): void {
    this.#end();
    reason.then(this.#exit.reject, this.#exit.reject);
  }

  stopWaiting(): void {
    this.stdout.stopWaiting();
    this.stderr.stopWaiting();
  }

  #feed(bytes: Buffer, done: () => void): void {
    let rest = bytes;
    while (rest.length > 0 && this.#room > 0) {
      const fits = rest.subarray(0, Math.min(this.#room, MAX_PAYLOAD));
      this.#send({ kind: "stdin", id: this.#id, bytes: fits });
      this.#room -= fits.length;
      rest = rest.subarray(fits.length);
    }
    if (rest.length === 0) {
      this.#onRoom = undefined;
      done();
    } else {
      this.#onRoom = () => {
        this.#feed(rest, done);
      };
    }
  }

  #end(): void {
    this.stdin.destroy();
    this.stdout.push(null);
    this.stderr.push(null);
  }
}

/** A readable that tells its writer when to go on. */
class Output extends Readable {
  #onWanted: (() => void) | undefined;
  #waits = true;

  /** Resolves when the buffer has room, the stream is destroyed, or `stopWaiting` was called. */
  async deliver(bytes: Buffer): Promise<void> {
    if (this.destroyed || this.push(bytes) || !this.#waits) return;
    const wanted = deferred();
    this.#onWanted = wanted.resolve;
    await wanted.promise;
  }

  stopWaiting(): void {
    this.#waits = false;
    this.#onWanted?.();
  }

  override _read(): void {
    this.#onWanted?.();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onWanted?.();
    done(error);
  }
}
