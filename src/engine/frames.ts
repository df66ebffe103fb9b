import { KdockError } from "../core/errors.js";

/** A piece of output and where it came from. */
export interface OutputPiece {
  readonly channel: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes apart what the engine sends for a container without a terminal: frames of [channel, 0, 0, 0, length as four
 * bytes big-endian] and payload. Pieces come as they arrive, so a frame may come as several and none is held back.
 */
export async function* outputPieces(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<OutputPiece> {
  let header = Buffer.alloc(0);
  let channel: OutputPiece["channel"] = "stdout";
  let left = 0;
  for await (let chunk of source) {
    while (chunk.length > 0) {
      if (left === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < HEADER_BYTES) break;
        channel = header.readUInt8(0) === STDERR ? "stderr" : "stdout";
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      } else {
        const bytes = chunk.subarray(0, left);
        chunk = chunk.subarray(left);
        left -= bytes.length;
        yield { channel, bytes };
      }
    }
  }
  if (left > 0 || header.length > 0) {
    throw new KdockError("engine", "the engine cut a container's output in the middle");
  }
}

/** A terminal's output is not framed: everything is stdout. */
export async function* terminalPieces(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<OutputPiece> {
  for await (const bytes of source) yield { channel: "stdout", bytes };
}

/** What a container wrote, both channels in order. */
export function mergedOutput(
  source: AsyncIterable<Uint8Array>,
  tty: boolean,
): AsyncIterable<Uint8Array> {
  return tty ? source : payloads(source);
}

async function* payloads(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of outputPieces(source)) yield bytes;
}
