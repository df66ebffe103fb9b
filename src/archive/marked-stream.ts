import { KdockError } from "../core/errors.js";

/** A stream of bytes with markers, read from one marker to the next. */
export class MarkedStream {
  readonly #source: AsyncIterator<Uint8Array, undefined>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  }

  /** The bytes before a marker; consumes the marker. Rejects with a `vm` error if the stream ends before it. */
  async *before(marker: Uint8Array): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(marker);
      const length = at < 0 ? this.#rest.length - marker.length + 1 : at;
      if (length > 0) yield this.#take(length);
      if (at >= 0) {
        this.#take(marker.length);
        return;
      }
      await this.#more();
    }
  }

  /** The same as text; rejects with a `vm` error that names `what` after more than `max` bytes. */
  async textBefore(marker: string, what: string, max: number): Promise<string> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of this.before(Buffer.from(marker))) {
      bytes += part.length;
      if (bytes > max) {
        throw new KdockError("vm", `the guest sent more than ${max} bytes for ${what}`);
      }
      parts.push(part);
    }
    return Buffer.concat(parts).toString();
  }

  async byte(): Promise<string> {
    while (this.#rest.length === 0) await this.#more();
    return this.#take(1).toString("latin1");
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    const { value } = await this.#source.next();
    if (value === undefined) throw new KdockError("vm", "the guest's data ended early");
    this.#rest = this.#rest.length === 0 ? Buffer.from(value) : Buffer.concat([this.#rest, value]);
  }
}
