/** Keeps the first and the last bytes of a stream of any length, in buffers of fixed size. */
export class HeadAndTail {
  readonly #head: Buffer;
  /** A ring buffer. */
  readonly #ring: Buffer;
  #total = 0;

  constructor(size: { readonly head: number; readonly tail: number }) {
    this.#head = Buffer.alloc(size.head);
    this.#ring = Buffer.alloc(size.tail);
  }

  add(chunk: Uint8Array): void {
    let left = chunk;
    if (this.#total < this.#head.length) {
      const first = left.subarray(0, this.#head.length - this.#total);
      this.#head.set(first, this.#total);
      this.#total += first.length;
      left = left.subarray(first.length);
    }
    while (left.length > 0) {
      const at = (this.#total - this.#head.length) % this.#ring.length;
      const part = left.subarray(0, this.#ring.length - at);
      this.#ring.set(part, at);
      this.#total += part.length;
      left = left.subarray(part.length);
    }
  }

  /** Bytes between the two. */
  get leftOut(): number {
    return Math.max(0, this.#total - this.#head.length - this.#ring.length);
  }

  get head(): Buffer {
    return this.#head.subarray(0, Math.min(this.#total, this.#head.length));
  }

  get tail(): Buffer {
    const after = Math.max(0, this.#total - this.#head.length);
    if (after <= this.#ring.length) return this.#ring.subarray(0, after);
    const at = after % this.#ring.length;
    return Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
  }

  /** At most so many of the last bytes. */
  end(bytes: number): Buffer {
    const { tail } = this;
    const all = tail.length < bytes && this.leftOut === 0 ? Buffer.concat([this.head, tail]) : tail;
    return all.subarray(Math.max(0, all.length - bytes));
  }

  /** Head and tail, with a line between them for the bytes left out. */
  text(): Buffer {
    if (this.leftOut === 0) return Buffer.concat([this.head, this.tail]);
    const note = `\n[kdock] ${this.leftOut} bytes left out here\n`;
    return Buffer.concat([this.head, Buffer.from(note), this.tail]);
  }
}
