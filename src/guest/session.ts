import { randomInt } from "node:crypto";
import { Readable, Writable } from "node:stream";
import type { Duplex } from "node:stream";

import { KdockError } from "../errors.js";
import {
  encodeHostFrame,
  findHello,
  FrameDecoder,
  MAX_PAYLOAD,
  parseGuestFrame,
  PROTOCOL_VERSION,
  STDIN_WINDOW,
} from "./frames.js";
import type { GuestExec, GuestFrame, HostFrame, TtySize } from "./frames.js";

export interface GuestHello {
  readonly version: number;
  readonly uptimeMs: number;
  /** As `uname -r` in the guest says it. */
  readonly release: string;
}

export type GuestExit =
  /** `error` says why the command could not be run at all; the code is then 126 or 127. */
  | { readonly kind: "exited"; readonly code: number; readonly error: string | undefined }
  | { readonly kind: "signalled"; readonly signal: number };

/**
 * A command in the guest. Both outputs must be read or destroyed: one that nobody reads holds up the whole session,
 * because nothing is kept in memory beyond a stream's usual buffer.
 */
export interface GuestCommand {
  /** Closed from the other side when the command has ended. */
  readonly stdin: Writable;
  /** Both end without an error also when the guest goes away; `exit` tells. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves after all output was handed over; rejects with a `vm` error when the guest goes away before that. */
  readonly exit: Promise<GuestExit>;
  /** To the command's process group: 2 is SIGINT, 9 SIGKILL, 15 SIGTERM. */
  signal(number: number): void;
  resize(size: TtySize): void;
}

export interface GuestSession {
  readonly hello: GuestHello;
  exec(command: GuestExec): GuestCommand;
  resizeConsole(size: TtySize): void;
  /** Asks the guest to switch itself off; `closed` tells when it has. */
  powerOff(): void;
  /** Ends the connection, and with it every command that still runs. */
  close(): void;
  /** Resolves when the connection has ended, whatever ended it. */
  readonly closed: Promise<void>;
}

const MAX_ID = 0xffff;

/**
 * Speaks with the agent at the other end of `duplex`, which belongs to the session from here on. Resolves when the agent
 * answers, however long the guest takes to boot. An aborted signal ends the session, before or after that.
 */
export async function openSession(
  duplex: Duplex,
  { signal }: { signal: AbortSignal },
): Promise<GuestSession> {
  const session = new Session(duplex, signal);
  await session.ready;
  return session;
}

class Session implements GuestSession {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  readonly #duplex: Duplex;
  readonly #signal: AbortSignal;
  readonly #commands = new Map<number, Command>();
  readonly #nonce = randomInt(1, 2 ** 32);
  #hello: GuestHello | undefined;
  #ended: Error | undefined;
  #lastId = 0;

  constructor(duplex: Duplex, signal: AbortSignal) {
    this.#duplex = duplex;
    this.#signal = signal;
    const ready = withResolvers<undefined>();
    this.ready = ready.promise;
    this.closed = this.#run(ready.resolve).then(ready.reject);
  }

  get hello(): GuestHello {
    if (this.#hello === undefined) throw new Error("the session is not open yet");
    return this.#hello;
  }

  exec(command: GuestExec): GuestCommand {
    const id = this.#freeId();
    const send = (frame: HostFrame): void => {
      this.#send(frame);
    };
    const running = new Command(id, send);
    if (this.#ended === undefined) {
      send({ kind: "exec", id, exec: command });
      this.#commands.set(id, running);
    } else {
      running.abandon(this.#ended);
    }
    return running;
  }

  resizeConsole(size: TtySize): void {
    this.#send({ kind: "resize", id: 0, size });
  }

  powerOff(): void {
    this.#send({ kind: "powerOff" });
  }

  close(): void {
    this.#duplex.destroy();
  }

  #send(frame: HostFrame): void {
    if (this.#ended === undefined && this.#duplex.writable) this.#duplex.write(encodeHostFrame(frame));
  }

  #freeId(): number {
    if (this.#commands.size === MAX_ID) throw new KdockError("vm", "too many commands in the guest at once");
    do this.#lastId = (this.#lastId % MAX_ID) + 1;
    while (this.#commands.has(this.#lastId));
    return this.#lastId;
  }

  /** Resolves, never rejects, with why there is no session (any more). */
  async #run(onReady: (value: undefined) => void): Promise<Error> {
    const reason = await this.#converse(onReady).catch((error: unknown) => error);
    this.#ended = this.#explain(reason);
    this.#duplex.destroy();
    // An error that arrives now has nothing to tell any more, but would be thrown at the process.
    this.#duplex.on("error", ignore);
    for (const command of this.#commands.values()) command.abandon(this.#ended);
    this.#commands.clear();
    return this.#ended;
  }

  #explain(reason: unknown): Error {
    if (this.#signal.aborted && this.#signal.reason instanceof Error) return this.#signal.reason;
    if (reason instanceof KdockError) return reason;
    const before = this.#hello === undefined ? "it was ready" : "the command ended";
    return new KdockError("vm", `the guest went away before ${before}`, { cause: reason });
  }

  /** Returns when the guest hangs up. */
  async #converse(onReady: (value: undefined) => void): Promise<void> {
    this.#signal.throwIfAborted();
    const onAbort = (): void => {
      this.#duplex.destroy();
    };
    this.#signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#converseUntilEnd(onReady);
    } finally {
      this.#signal.removeEventListener("abort", onAbort);
    }
  }

  async #converseUntilEnd(onReady: (value: undefined) => void): Promise<void> {
    const decoder = new FrameDecoder();
    let unheard = Buffer.alloc(0);
    this.#send({ kind: "hello", nonce: this.#nonce });

    for await (const chunk of this.#duplex as AsyncIterable<Buffer>) {
      let bytes = chunk;
      if (this.#hello === undefined) {
        unheard = Buffer.concat([unheard, chunk]);
        // An agent that saw its host leave and return says hello unasked, and may have thrown our own hello away.
        if (forget(unheard, 0) !== undefined) this.#send({ kind: "hello", nonce: this.#nonce });
        const start = findHello(unheard, this.#nonce);
        if (start === undefined) {
          unheard = afterUnaskedHello(unheard);
          continue;
        }
        bytes = unheard.subarray(start);
      }
      for (const frame of decoder.push(bytes)) {
        const said = parseGuestFrame(frame);
        if (said.kind === "hello") this.#greet(said, onReady);
        else await this.#pass(said);
      }
    }
  }
}
