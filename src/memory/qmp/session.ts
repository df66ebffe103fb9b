import { KdockError } from "../../core/errors.js";
import { encodeQmp, type QmpEvent, type QmpMessage, readQmpLine } from "./messages.js";

/** A connection to QEMU's monitor. */
export interface QmpLink {
  readonly lines: AsyncIterable<string>;
  write(text: string): void;
  close(): void;
}

/** A QMP session; disposing of it closes the connection and leaves the machine unchanged. */
export interface QmpSession extends AsyncDisposable {
  /** QEMU's version: "10.0.2". */
  readonly version: string;
  /** Resolves with the command's return value; rejects with a `vm` error that quotes QEMU's error. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** The next event of this name; rejects when the connection ends before. The promise may be left unhandled. */
  event(name: string): Promise<QmpEvent>;
}

/** Resolves when QEMU accepts commands. When the connection ends, every pending call rejects with a `vm` error. */
export async function openQmp(link: QmpLink): Promise<QmpSession> {
  const session = new Session(link);
  await session.ready;
  return session;
}

interface Waiter {
  resolve(message: QmpMessage): void;
  reject(error: unknown): void;
}

class Session implements QmpSession {
  readonly ready: Promise<void>;
  readonly #link: QmpLink;
  /** Keyed by command id, event name, or "" for the greeting. */
  readonly #waiters = new Map<number | string, Waiter[]>();
  #version = "";
  #lastId = 0;
  #ended: Error | undefined;

  constructor(link: QmpLink) {
    this.#link = link;
    this.ready = this.#negotiate();
    void this.#listen();
  }

  get version(): string {
    return this.#version;
  }

  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const response = this.#wait(id);
    this.#link.write(encodeQmp(command, args, id));
    const message = await response;
    if (message.kind === "return") return message.value;
    const reason = message.kind === "error" ? message.description : "no reason given";
    throw new KdockError("vm", `QEMU refuses ${command}: ${reason}`);
  }

  event(name: string): Promise<QmpEvent> {
    const event = this.#wait(name) as Promise<QmpEvent>;
    event.catch(() => undefined);
    return event;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end(connectionEnded());
    this.#link.close();
    return Promise.resolve();
  }

  async #negotiate(): Promise<void> {
    const greeting = await this.#wait("");
    if (greeting.kind === "greeting") this.#version = greeting.version;
    await this.execute("qmp_capabilities");
  }

  async #wait(key: number | string): Promise<QmpMessage> {
    if (this.#ended !== undefined) throw this.#ended;
    return await new Promise((resolve, reject) => {
      this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), { resolve, reject }]);
    });
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of this.#link.lines) {
        if (line.trim() !== "") this.#dispatch(readQmpLine(line));
      }
      this.#end(connectionEnded());
    } catch (error) {
      this.#end(error instanceof Error ? error : connectionEnded(error));
    }
  }

  #dispatch(message: QmpMessage): void {
    const key = keyOf(message);
    const waiters = this.#waiters.get(key) ?? [];
    this.#waiters.delete(key);
    for (const waiter of waiters) waiter.resolve(message);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    const waiters = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(this.#ended);
  }
}

function keyOf(message: QmpMessage): number | string {
  switch (message.kind) {
    case "greeting":
      return "";
    case "event":
      return message.name;
    default:
      return message.id;
  }
}

function connectionEnded(cause?: unknown): KdockError {
  return new KdockError("vm", "the connection to QEMU's monitor ended", {
    hint: "`kdock ps` shows whether the VM still runs, `kdock logs` its console.",
    cause,
  });
}
