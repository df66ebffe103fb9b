import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Extract, type Header } from "tar-stream";
import { KdockError, messageOf } from "../errors.js";

export type Visit = (header: Header, content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Two blocks of zeros end every tar. */
const END_SIZE = 1024;

/**
 * Visits every entry in turn; content that the visitor leaves unread is skipped. Rejects with the archive's error, the
 * visitor's, or an `engine` error when the bytes are no tar or end too early. The archive is destroyed then.
 */
export async function readTar(archive: Readable, visit: Visit): Promise<void> {
  const tar = extract();
  let zeros = 0;
  let archiveError: Error | undefined;
  // Before the pipe and in the same tick, so that no byte passes by.
  archive.on("data", (chunk: Buffer) => (zeros = trailingZeros(zeros, chunk)));
  archive.once("error", (error: Error) => (archiveError = error));

  // Both at once: a bare pipe() would lose a read error and wait for ever.
  const [piped, visited] = await Promise.allSettled([
    pipeline(archive, tar as unknown as Writable),
    visitAll(tar, visit),
  ]);
  if (archiveError !== undefined) throw archiveError;
  if (visited.status === "rejected" && !isEcho(visited.reason, piped)) throw visited.reason;
  if (piped.status === "rejected") throw damaged(piped.reason);
  if (zeros < END_SIZE) throw damaged(new Error("it ends too early"));
}

async function visitAll(tar: Extract, visit: Visit): Promise<void> {
  for await (const entry of tar) {
    await visit(entry.header, entry as AsyncIterable<Uint8Array>);
    // Whatever the visitor did not read; tar-stream waits for it.
    entry.resume();
  }
}

/** Whether one end of the pipe failed because the other did. */
function isEcho(reason: unknown, other: PromiseSettledResult<void>): boolean {
  return other.status === "rejected" && other.reason === reason;
}

function trailingZeros(before: number, chunk: Buffer): number {
  let zeros = 0;
  while (zeros < END_SIZE && chunk[chunk.length - 1 - zeros] === 0) zeros++;
  return zeros === chunk.length ? before + zeros : zeros;
}

function damaged(cause: unknown): KdockError {
  const message = `the archive from the container is damaged: ${messageOf(cause)}`;
  return new KdockError("engine", message, { cause });
}
