import { randomInt } from "node:crypto";
import { Readable, Writable } from "node:stream";
import type { Duplex } from "node:stream";

import { KdockError } from "../../core/errors.js";
import {
  encodeHostFrame,
  FrameDecoder,
  MAX_PAYLOAD,
  OUT_WINDOW,
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
  /** `error` says why the command could not be run at all; the code is 126 or 127 then. */
  | { readonly kind: "exited"; readonly code: number; readonly error: string | undefined }
  | { readonly kind: "signalled"; readonly signal: number };

/**
 * A command in the guest. Both outputs must be read or destroyed: one that nobody reads holds up the whole session, and
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

/** `await using` closes it. */
export interface GuestSession extends AsyncDisposable {
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

export interface SessionOptions {
  /** Aborted, it ends the session, before or after it is open. */
  readonly signal: AbortSignal;
  /** Told how the machine is, in QEMU's words ("running", "paused", "debug"): at first, and when that changes. */
  readonly onState?: (state: string) => void;
}

/**
 * Speaks with the agent at the other end of `duplex`, which belongs to the session from here on. Resolves when the
 * agent answers, however long the guest takes to boot.
 */
export async function openSession(duplex: Duplex, options: SessionOptions): Promise<GuestSession> {
  const session = new Session(duplex, options);
  await session.ready;
  return session;
}

const MAX_ID = 0xffff;

/** Few enough acknowledgements, and long before the agent has to wait for one. */
const ACK_BYTES = OUT_WINDOW / 8;

type Send = (frame: HostFrame) => void;

class Session implements GuestSession {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  readonly #duplex: Duplex;
  readonly #signal: AbortSignal;
  readonly #onState: (state: string) => void;
  readonly #commands = new Map<number, Command>();
  readonly #nonce = randomInt(1, 2 ** 32);
  #hello: GuestHello | undefined;
  #ended: Error | undefined;
  #lastId = 0;

  constructor(duplex: Duplex, { signal, onState = ignore }: SessionOptions) {
    this.#duplex = duplex;
    this.#signal = signal;
    this.#onState = onState;
    // The reading loop sees every error; one that comes after it must not be thrown at the process.
    duplex.on("error", ignore);
    // The loop may be waiting for somebody to read a command's output; that must not keep it from seeing the end.
    duplex.once("close", () => {
      for (const command of this.#commands.values()) command.stopWaiting();
    });
    const ready = deferred();
    this.ready = ready.promise;
    this.closed = this.#run(ready.resolve).then(ready.reject);
  }

  get hello(): GuestHello {
    if (this.#hello === undefined) throw new Error("the session is not open yet");
    return this.#hello;
  }

  exec(exec: GuestExec): GuestCommand {
    const id = this.#freeId();
    const command = new Command(id, this.#send);
    if (this.#ended === undefined) {
      this.#send({ kind: "exec", id, exec });
      this.#commands.set(id, command);
    } else {
      command.abandon(this.#ended);
    }
    return command;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  // Nobody waits for `drain`: what may be sent unacknowledged is small.
  readonly #send: Send = (frame) => {
    const bytes = encodeHostFrame(frame);
    if (this.#duplex.writable) this.#duplex.write(bytes);
  };

  #freeId(): number {
    if (this.#commands.size === MAX_ID) {
      throw new KdockError("vm", "too many commands at once in the guest");
    }
    do this.#lastId = (this.#lastId % MAX_ID) + 1;
    while (this.#commands.has(this.#lastId));
    return this.#lastId;
  }

  /** Resolves, and never rejects, with the reason why there is no session any more. */
  async #run(onReady: () => void): Promise<Error> {
    const onAbort = (): void => {
      this.close();
    };
    this.#signal.addEventListener("abort", onAbort, { once: true });
    const cause: unknown = await this.#converse(onReady).catch((error: unknown) => error);
    this.#signal.removeEventListener("abort", onAbort);

    const ended = this.#explain(cause);
    this.#ended = ended;
    this.#duplex.destroy();
    for (const command of this.#commands.values()) command.abandon(ended);
    this.#commands.clear();
    return ended;
  }

  #explain(cause: unknown): Error {
    if (this.#signal.aborted && this.#signal.reason instanceof Error) return this.#signal.reason;
    if (cause instanceof KdockError) return cause;
    const when = this.#hello === undefined ? "it was ready" : "the command ended";
    return new KdockError("vm", `the guest went away before ${when}`, {
      cause,
      hint: "`kdock ps` tells whether the VM runs, and `kdock logs` shows its console.",
    });
  }

  /** Resolves when the guest hangs up. */
  async #converse(onReady: () => void): Promise<void> {
    this.#signal.throwIfAborted();
    this.#send({ kind: "hello", nonce: this.#nonce });
    const decoder = new FrameDecoder();
    for await (const chunk of this.#duplex as AsyncIterable<Buffer>) {
      for (const frame of decoder.push(chunk)) {
        const said = parseGuestFrame(frame);
        if (said.kind === "hello") this.#greet(said, onReady);
        else if (said.kind === "state") this.#onState(said.state);
        else await this.#take(said);
      }
    }
  }

  #greet(said: Extract<GuestFrame, { kind: "hello" }>, onReady: () => void): void {
    if (said.nonce !== this.#nonce) {
      throw new KdockError("vm", "the guest's agent started anew while commands were running", {
        hint: "`kdock logs` shows whether the guest has booted again; then run the command once more.",
      });
    }
    if (said.version !== PROTOCOL_VERSION) {
      throw new KdockError(
        "vm",
        `the guest's agent speaks version ${said.version} of the protocol, not ${PROTOCOL_VERSION}`,
        { hint: "End this VM with `kdock stop`: the next `kdock run` makes what is needed anew." },
      );
    }
    const { version, uptimeMs, release } = said;
    this.#hello = { version, uptimeMs, release };
    onReady();
  }

  async #take(said: Exclude<GuestFrame, { kind: "hello" | "state" }>): Promise<void> {
    const command = this.#commands.get(said.id);
    // The last words of a command from a former connection.
    if (command === undefined) return;
    switch (said.kind) {
      case "stdout":
        await command.stdout.deliver(said.bytes);
        command.taken(said.bytes.length);
        break;
      case "stderr":
        await command.stderr.deliver(said.bytes);
        command.taken(said.bytes.length);
        break;
      case "stdinAck":
        command.acknowledge(said.bytes);
        break;
      case "error":
        command.couldNotRun(said.text);
        break;
      case "exited":
        this.#commands.delete(said.id);
        command.exited(said.code);
        break;
      case "signalled":
        this.#commands.delete(said.id);
        command.signalled(said.signal);
        break;
    }
  }
}

class Command implements GuestCommand {
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
    // Whoever wants to know awaits it; whoever does not must not bring the process down.
    this.exit.catch(ignore);
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

  abandon(reason: Error): void {
    this.#end();
    this.#exit.reject(reason);
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

  /** Resolves when there is room for more, or nobody left to wait for. */
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

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T = void>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = ignore;
  let reject: Deferred<T>["reject"] = ignore;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function ignore(): void {
  // on purpose
}
