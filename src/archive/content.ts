import type { Readable } from "node:stream";
import { KdockError } from "../errors.js";

/** What is in a file: bytes in memory, or as many bytes as are said from a stream that is opened when its turn comes. */
export type Content =
  Uint8Array | { readonly size: number; readonly open: () => Readable | Promise<Readable> };

export function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.byteLength : content.size;
}

/** The bytes of a file; fails when there are not as many as were announced, because the header is out already. */
export async function* bytesOf(path: string, content: Content): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    yield content;
    return;
  }
  let size = 0;
  for await (const chunk of (await content.open()) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    yield chunk;
  }
  if (size !== content.size) {
    const message = `${path} was to have ${content.size} bytes and has ${size}`;
    throw new KdockError("environment", message, { hint: "Try again when nobody writes to it." });
  }
}
