import { inspect } from "node:util";

const SHOWN = "[secret]";

/**
 * Bytes that only one receiver may see. Printed, put into a text, or serialised as JSON or YAML it is "[secret]". It cannot be
 * hashed by mistake, because it is no text; `revealSecret` is the one way to the bytes, and stands only where they are sent.
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
