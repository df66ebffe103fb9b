import { KdockError } from "../../core/errors.js";
import { encodeQmp, type QmpEvent, type QmpMessage, readQmpLine } from "./messages.js";

/** The wire to QEMU's monitor: lines come, text goes. */
export interface QmpLink {
  readonly lines: AsyncIterable<string>;
  write(text: string): void;
  hangUp(): void;
}

/** A conversation with QEMU's monitor; disposing of it hangs up, which changes nothing in the machine. */
export interface QmpSession extends AsyncDisposable {
  /** Of QEMU: "10.0.2". */
  readonly version: string;
  /** Resolves with what QEMU returns; rejects with a `vm` error that quotes QEMU where it says no. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** The first event of this name from now on; rejects when the connection ends before. Safe to leave alone. */
  event(name: string): Promise<QmpEvent>;
}

/** Resolves when QEMU takes commands; rejects with a `vm` error when the connection ends, whatever was waited for. */
export async function openQmp(link: QmpLink): Promise<QmpSession> {
  const session = new Session(link);
  await session.ready;
  return session;
}

interface Waiting {
  resolve(message: QmpMessage): void;
  reject(error: unknown): void;
}

class Session implements QmpSession {
  readonly ready: Promise<void>;
  readonly #link: QmpLink;
  /** By id of the command, by name of the event; the greeting is waited for as "". */
  readonly #waiting = new Map<number | string, Waiting[]>();
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
    const answer = this.#wait(id);
    this.#link.write(encodeQmp(command, args, id));
    const message = await answer;
    if (message.kind === "return") return message.value;
    const said = message.kind === "error" ? message.description : "nothing";
    throw new KdockError("vm", `QEMU refuses ${command}: ${said}`);
  }

  event(name: string): Promise<QmpEvent> {
    const event = this.#wait(name) as Promise<QmpEvent>;
    event.catch(() => undefined);
    return event;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end(gone());
    this.#link.hangUp();
    return Promise.resolve();
  }

  async #negotiate(): Promise<void> {
    const greeting = await this.#wait("");
    if (greeting.kind === "greeting") this.#version = greeting.version;
    await this.execute("qmp_capabilities");
  }

  async #wait(what: number | string): Promise<QmpMessage> {
    if (this.#ended !== undefined) throw this.#ended;
    return await new Promise((resolve, reject) => {
      this.#waiting.set(what, [...(this.#waiting.get(what) ?? []), { resolve, reject }]);
    });
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of this.#link.lines) {
        if (line.trim() !== "") this.#take(readQmpLine(line));
      }
      this.#end(gone());
    } catch (error) {
      this.#end(error instanceof Error ? error : gone(error));
    }
  }

  #take(message: QmpMessage): void {
    const what = whatOf(message);
    const waiting = this.#waiting.get(what) ?? [];
    this.#waiting.delete(what);
    for (const each of waiting) each.resolve(message);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const each of waiting) each.reject(this.#ended);
  }
}

function whatOf(message: QmpMessage): number | string {
  switch (message.kind) {
    case "greeting":
      return "";
    case "event":
      return message.name;
    default:
      return message.id;
  }
}

function gone(cause?: unknown): KdockError {
  return new KdockError("vm", "the connection to QEMU's monitor ended", {
    hint: "`kdock ps` and `kdock logs` tell how the VM does.",
    cause,
  });
}
