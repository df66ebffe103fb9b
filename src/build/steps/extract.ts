import { type Readable, Writable } from "node:stream";
import { extractTar } from "../../archive/tar-extract.js";
import type { Container } from "../../engine/engine.js";
import type { ManifestFile } from "../../core/plan/manifest.js";
import type { Context } from "../../core/steps/context.js";
import type { StepLog } from "../../core/steps/run-step.js";

const PROGRESS_BYTES = 8e6;

/** The entries to extract, by path in the folder, and their modes and times. */
export interface Selection {
  readonly wanted: (path: string) => boolean;
  readonly mode: (mode: number) => number;
  /** Keep mtimes of the archive. */
  readonly keepTimes: boolean;
}

const EVERYTHING: Selection = { wanted: () => true, mode: (mode) => mode, keepTimes: false };

/**
 * Extracts a folder of a container into an empty folder of the host. The archive is untrusted: `extractTar` rejects paths outside
 * the folder.
 */
export async function extractFolder(
  ctx: Context,
  container: Container,
  from: string,
  to: string,
  log: StepLog,
  selection: Selection = EVERYTHING,
): Promise<ManifestFile[]> {
  return unpack(ctx, await container.getArchive(from, ctx.signal), to, log, selection);
}

/** Extracts an archive whose entries all start with the name of one folder. */
export async function unpack(
  ctx: Context,
  archive: Readable,
  to: string,
  log?: StepLog,
  { wanted, mode: newMode, keepTimes }: Selection = EVERYTHING,
): Promise<ManifestFile[]> {
  const { files } = ctx.host;
  // Before a listener makes the archive flow.
  await using tree = await files.writeTree(to);
  let bytes = 0;
  let reported = 0;
  archive.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes - reported < PROGRESS_BYTES) return;
    reported = bytes;
    log?.progress(bytes, undefined, "bytes", false);
  });
  const entries = await extractTar(archive, {
    file: async (path, mode, modified) =>
      wanted(path) ? tree.file(path, newMode(mode), keepTimes ? modified : undefined) : discard(),
    directory: async (path) => {
      if (wanted(path)) await tree.folder(path);
    },
    hardLink: async (path, original) => {
      if (wanted(path)) await tree.hardLink(path, original);
    },
    symlink: async (path, target) => {
      if (wanted(path)) await tree.symlink(path, target);
    },
    remove: (path) => tree.remove(path),
  });
  return entries
    .filter((entry) => entry.kind !== "directory" && wanted(entry.path))
    .map(({ path, kind, size, sha256, target }) => ({
      path,
      kind: kind === "symlink" ? "symlink" : "file",
      size,
      sha256,
      target,
    }));
}

function discard(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}
