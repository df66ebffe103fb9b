import { createHash } from "node:crypto";
import { KdockError } from "../core/errors.js";

/** The content of a file: bytes in memory, or a stream of known size that is opened when it is written. */
export type Content = Uint8Array | StreamedContent;

export interface StreamedContent {
  readonly size: number;
  /** If set, other bytes are an error. */
  readonly sha256?: string;
  readonly open: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

export function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.byteLength : content.size;
}

/** The bytes of a file; fails if size or digest differ, because the header is written already. */
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
    throw changed(`${path} changed while it was read: it has ${size} bytes, not ${content.size}`);
  }
  if (content.sha256 !== undefined && hash.digest("hex") !== content.sha256) {
    throw changed(`${path} changed while it was read`);
  }
}

function changed(message: string): KdockError {
  return new KdockError("environment", message, {
    hint: "Try again when no program writes to it.",
  });
}
