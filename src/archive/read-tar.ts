import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Extract, type Header } from "tar-stream";
import { type KdockError, messageOf } from "../core/errors.js";
import { archiveError, type ArchiveSource, FROM_CONTAINER } from "./archive-source.js";

export type Visit = (header: Header, content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Two blocks of zeros end every tar. */
const END_SIZE = 1024;

/**
 * Visits every entry in turn; content that the visitor leaves unread is skipped. Rejects with the archive's error, the
 * visitor's, or the source's when the bytes are no tar or end too early. The archive is destroyed then.
 */
export async function readTar(
  archive: Readable,
  visit: Visit,
  source: ArchiveSource = FROM_CONTAINER,
): Promise<void> {
  const tar = extract();
  // In the order in which they happen: one end that fails takes the other with it.
  const failures: Failure[] = [];
  const fails = (of: Failure["of"]) => (error: unknown) => {
    failures.push({ of, error });
  };
  archive.once("error", fails("archive"));
  tar.once("error", fails("tar"));
  let zeros = 0;
  // In the same tick as the pipe, so that no byte passes by.
  archive.on("data", (chunk: Buffer) => (zeros = trailingZeros(zeros, chunk)));

  // Both at once: a bare pipe() would lose a read error and wait for ever.
  const [piped] = await Promise.allSettled([
    pipeline(archive, tar as unknown as Writable),
    visitAll(tar, visit, fails("visitor")),
  ]);
  throwFirst(failures, source);
  if (piped.status === "rejected") throw damaged(source, piped.reason);
  if (zeros < END_SIZE) throw damaged(source, new Error("it ends too early"));
}

interface Failure {
  readonly of: "archive" | "tar" | "visitor";
  readonly error: unknown;
}

async function visitAll(
  tar: Extract,
  visit: Visit,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for await (const entry of tar) {
    try {
      await visit(entry.header, entry as AsyncIterable<Uint8Array>);
    } catch (error) {
      onFailure(error);
      throw error;
    }
    // Whatever the visitor did not read; tar-stream waits for it.
    entry.resume();
  }
}

function throwFirst(failures: readonly Failure[], source: ArchiveSource): void {
  const [first] = failures;
  if (first === undefined) return;
  // A visitor that reads broken content is told so by tar-stream.
  const isOfTar = failures.some(({ of, error }) => of === "tar" && error === first.error);
  if (first.of === "archive" || (first.of === "visitor" && !isOfTar)) throw first.error;
  throw damaged(source, first.error);
}

function trailingZeros(before: number, chunk: Buffer): number {
  let zeros = 0;
  while (zeros < END_SIZE && chunk[chunk.length - 1 - zeros] === 0) zeros++;
  return zeros === chunk.length ? before + zeros : zeros;
}

function damaged(source: ArchiveSource, cause: unknown): KdockError {
  return archiveError(source, `is damaged: ${messageOf(cause)}`, cause);
}
