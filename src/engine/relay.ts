import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { translate } from "./engine-error.js";

/**
 * A stream for the caller out of one of the engine's, its errors translated. Destroying it ends the engine's, and
 * nobody who has not begun to read is killed by an error.
 */
export function relay(
  source: AsyncIterable<Uint8Array>,
  action: string,
  signal: AbortSignal,
): Readable {
  const output = new PassThrough();
  output.on("error", () => undefined);
  // The failure is told by `output`.
  pipeline(translated(source, action, signal), output).catch(() => undefined);
  return output;
}

async function* translated(source: AsyncIterable<Uint8Array>, action: string, signal: AbortSignal) {
  try {
    yield* source;
  } catch (error) {
    throw translate(error, action, signal);
  }
}
