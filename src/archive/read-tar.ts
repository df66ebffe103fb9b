import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Extract, type Header } from "tar-stream";
import { type KdockError, messageOf } from "../core/errors.js";
import { archiveError, type ArchiveSource, FROM_CONTAINER } from "./archive-source.js";

export type Visit = (header: Header, content: AsyncIterable<Uint8Array>) => Promise<void>;

/** A tar ends with two blocks of zeros. */
const END_SIZE = 1024;

/**
 * Visits the entries in order; skips content that the visitor does not read. Rejects with the error of the archive or the
 * visitor, or with the source's if the bytes are not a tar or end early. Destroys the archive then.
 */
export async function readTar(
  archive: Readable,
  visit: Visit,
  source: ArchiveSource = FROM_CONTAINER,
): Promise<void> {
  const tar = extract();
  // In order of time: a failure of one end makes the other fail, too.
  const failures: Failure[] = [];
  const fails = (of: Failure["of"]) => (error: unknown) => {
    failures.push({ of, error });
  };
  archive.once("error", fails("archive"));
  tar.once("error", fails("tar"));
  let zeros = 0;
  // In the same tick as the pipe, so that no chunk is missed.
  archive.on("data", (chunk: Buffer) => (zeros = trailingZeros(zeros, chunk)));

  // Both at once: a bare pipe() would lose a read error and never settle.
  const [piped] = await Promise.allSettled([
    pipeline(archive, tar as unknown as Writable),
    visitAll(tar, visit, fails("visitor")),
  ]);
  throwFirst(failures, source);
  if (piped.status === "rejected") throw damaged(source, piped.reason);
  if (zeros < END_SIZE) throw damaged(source, new Error("it ends early"));
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
    // Skip unread content: tar-stream waits until it is read.
    entry.resume();
  }
}

function throwFirst(failures: readonly Failure[], source: ArchiveSource): void {
  const [first] = failures;
  if (first === undefined) return;
  // A visitor that reads damaged content gets the error of tar-stream.
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
