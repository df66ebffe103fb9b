import { extractTar } from "../archive/tar-extract.js";
import type { Container } from "../engine/engine.js";
import type { ManifestFile } from "./artifact-store.js";
import type { Context } from "./context.js";
import type { StepLog } from "./run-step.js";

const TELL_EVERY_BYTES = 8e6;

/**
 * Streams a folder of a container into a folder of the host that exists and is empty. The archive is untrusted:
 * `extractTar` refuses whatever would land outside.
 */
export async function extractFolder(
  ctx: Context,
  container: Container,
  from: string,
  to: string,
  log: StepLog,
): Promise<ManifestFile[]> {
  const { files } = ctx.host;
  const archive = await container.getArchive(from, ctx.signal);
  let bytes = 0;
  let told = 0;
  archive.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes - told < TELL_EVERY_BYTES) return;
    told = bytes;
    log.progress(bytes, undefined, "bytes", false);
  });
  const entries = await extractTar(archive, {
    file: (path, mode) => files.writeStream(`${to}/${path}`, mode),
    directory: (path) => files.makeFolder(`${to}/${path}`),
    symlink: (path, target) => files.makeSymlink(target, `${to}/${path}`),
  });
  return entries
    .filter((entry) => entry.kind !== "directory")
    .map(({ path, kind, size, sha256, target }) => ({
      path,
      kind: kind === "symlink" ? "symlink" : "file",
      size,
      sha256,
      target,
    }));
}
