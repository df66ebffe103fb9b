import type { Readable } from "node:stream";
import { KdockError } from "../../core/errors.js";
import type { ManifestFile } from "../../core/plan/manifest.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Context } from "../../core/steps/context.js";
import { unpack } from "./extract.js";

const VMLINUX = "vmlinux";
const EARLY = `${INSIDE.early}/${VMLINUX}`;

/**
 * Extracts a builder's output into an empty folder: vmlinux, which may be sent early while the rest is built, then the rest; a
 * second vmlinux replaces the early one. The archive is untrusted: only vmlinux may be sent early.
 */
export async function receiveOutput(
  ctx: Context,
  archive: Readable,
  folder: string,
): Promise<ManifestFile[]> {
  const received = await unpack(ctx, archive, folder);
  const rest = received.filter(({ path }) => path !== EARLY);
  const isBelowFile = (path: string) =>
    [INSIDE.early, VMLINUX].some((name) => path.startsWith(`${name}/`));
  const unexpected = rest.find(({ path }) => path === INSIDE.early || isBelowFile(path));
  if (unexpected !== undefined) {
    const path = JSON.stringify(unexpected.path);
    throw new KdockError("engine", `the builder sent an unexpected file: ${path}`);
  }
  const early = received.find(({ path, kind }) => path === EARLY && kind === "file");
  const isThere = rest.some(({ path }) => path === VMLINUX);
  // Complete output has vmlinux and other files.
  if (rest.length === 0 || (early === undefined && !isThere)) {
    throw new KdockError("engine", "the builder sent incomplete output");
  }
  const { files } = ctx.host;
  if (early !== undefined && !isThere) {
    await files.replace(`${folder}/${EARLY}`, `${folder}/${VMLINUX}`);
    rest.push({ ...early, path: VMLINUX });
  }
  await files.remove(`${folder}/${INSIDE.early}`);
  return rest.sort((a, b) => (a.path < b.path ? -1 : 1));
}
