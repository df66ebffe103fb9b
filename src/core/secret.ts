import { inspect } from "node:util";

const SHOWN = "[secret]";

/**
 * Bytes that must not be logged. Printed, converted to text, or serialised as JSON or YAML it is "[secret]". Not a string, so
 * that it cannot be hashed by mistake. `revealSecret` returns the bytes; it is called only to send them.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  revealSecret(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.toPrimitive](): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
