import { randomInt } from "node:crypto";
import type { Duplex } from "node:stream";

import { deferred } from "../../core/deferred.js";
import { KdockError } from "../../core/errors.js";
import { hangUp } from "../../core/hang-up.js";
import { onAbort } from "../../core/on-abort.js";
import { Command } from "./command.js";
import type { GuestCommand, Send } from "./command.js";
import { encodeHostFrame, FrameDecoder, parseGuestFrame, PROTOCOL_VERSION } from "./frames.js";
import type { GuestExec, GuestFrame, TtySize } from "./frames.js";

export interface GuestHello {
  readonly version: number;
  readonly uptimeMs: number;
  /** As `uname -r` in the guest says it. */
  readonly release: string;
}

/** A connection to the agent of a guest, over which commands run in it. `await using` closes it. */
export interface GuestSession extends AsyncDisposable {
  readonly hello: GuestHello;
  /** Throws a `usage` error for a command that is too long. */
  exec(command: GuestExec): GuestCommand;
  resizeConsole(size: TtySize): void;
  /** Asks the guest to switch itself off; `closed` tells when it has. */
  powerOff(): void;
  /** Ends the connection, and with it every command that still runs. */
  close(): void;
  /** Resolves when the connection is closed, whatever closed it. */
  readonly closed: Promise<void>;
}

export interface SessionOptions {
  /** Aborted, it ends the session, before or after it is open; commands reject with its reason. */
  readonly signal: AbortSignal;
  /** Told how the machine is, in QEMU's words ("running", "paused", "debug"): at first, and when that changes. */
  readonly onState?: (state: string) => void;
  /**
   * What the commands of a session that the guest has ended reject with, given the error that says so. Called once, and
   * only if a command is lost.
   */
  readonly explain?: (lost: unknown) => Promise<unknown>;
}

/**
 * Greets the agent at the other end of `duplex`, which belongs to the session from here on. Resolves when the agent
 * answers, however long the guest takes to boot; rejects when the connection is closed.
 */
export async function handshake(duplex: Duplex, options: SessionOptions): Promise<GuestSession> {
  const session = new Session(duplex, options);
  await session.ready;
  return session;
}

const MAX_ID = 0xffff;

class Session implements GuestSession {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  readonly #duplex: Duplex;
  readonly #signal: AbortSignal;
  readonly #onState: (state: string) => void;
  readonly #explain: (lost: unknown) => Promise<unknown>;
  readonly #commands = new Map<number, Command>();
  readonly #nonce = randomInt(1, 2 ** 32);
  #hello: GuestHello | undefined;
  #isClosing = false;
  #ended: Error | undefined;
  #explained: Promise<unknown> | undefined;
  #lastId = 0;

  constructor(duplex: Duplex, options: SessionOptions) {
    this.#duplex = duplex;
    this.#signal = options.signal;
    this.#onState = options.onState ?? ignore;
    this.#explain = options.explain ?? ((lost) => Promise.resolve(lost));
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
      command.abandon(this.#whyEnded(this.#ended));
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
    this.#isClosing = true;
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

  /** Resolves, and never rejects, with the reason why the session has ended, once the connection is closed. */
  async #run(onReady: () => void): Promise<Error> {
    const interrupt = onAbort(this.#signal, () => {
      this.close();
    });
    const cause: unknown = await this.#converse(onReady).catch((error: unknown) => error);
    interrupt[Symbol.dispose]();

    const ended = this.#errorOf(cause);
    this.#ended = ended;
    if (this.#isClosing) this.#explained = Promise.resolve(ended);
    for (const command of this.#commands.values()) command.abandon(this.#whyEnded(ended));
    this.#commands.clear();
    await hangUp(this.#duplex);
    return ended;
  }

  #whyEnded(ended: Error): Promise<unknown> {
    return (this.#explained ??= this.#explain(ended));
  }

  #errorOf(cause: unknown): Error {
    if (this.#signal.aborted && this.#signal.reason instanceof Error) return this.#signal.reason;
    if (cause instanceof KdockError) return cause;
    const when = this.#hello === undefined ? "it was ready" : "the command ended";
    return new KdockError("vm", `the guest went away before ${when}`, {
      cause,
      hint: "`kdock ps` tells whether the VM runs, and `kdock logs` shows its console.",
    });
  }

  /** Resolves when the guest closes the connection. */
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

function ignore(): void {
  // on purpose
}
