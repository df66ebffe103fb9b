import { createHash } from "node:crypto";
import { KdockError } from "../core/errors.js";

/** What is in a file: bytes in memory, or as many bytes as are said from a stream that is opened when its turn comes. */
export type Content = Uint8Array | StreamedContent;

export interface StreamedContent {
  readonly size: number;
  /** Bytes with another digest are refused; without, any are taken. */
  readonly sha256?: string;
  readonly open: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

export function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.byteLength : content.size;
}

/** The bytes of a file; fails when they are not those that were announced, because the header is out already. */
export async function* bytesOf(path: string, content: Content): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    yield content;
    return;
  }
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of await content.open()) {
    size += chunk.byteLength;
    if (content.sha256 !== undefined) hash.update(chunk);
    yield chunk;
  }
  if (size !== content.size) {
    throw changed(`${path} was to have ${content.size} bytes and has ${size}`);
  }
  if (content.sha256 !== undefined && hash.digest("hex") !== content.sha256) {
    throw changed(`${path} was changed while it was read`);
  }
}

function changed(message: string): KdockError {
  return new KdockError("environment", message, { hint: "Try again when nobody writes to it." });
}
