import type { Readable } from "node:stream";
import { KdockError } from "../../core/errors.js";
import type { ManifestFile } from "../../core/plan/manifest.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Context } from "../../core/steps/context.js";
import { unpack } from "./extract.js";

const VMLINUX = "vmlinux";
const EARLY = `${INSIDE.early}/${VMLINUX}`;

/**
 * Puts what a builder hands over into a folder that exists and is empty: vmlinux, which may come early, while the rest is
 * made, and then the rest; if vmlinux is there again, it is another one by then. Untrusted, as an engine's archive is: one
 * file may come early, and is moved to no other place than its own.
 */
export async function takeOver(
  ctx: Context,
  archive: Readable,
  folder: string,
): Promise<ManifestFile[]> {
  const taken = await unpack(ctx, archive, folder);
  const rest = taken.filter(({ path }) => path !== EARLY);
  const isStrange = (path: string) =>
    [INSIDE.early, VMLINUX].some((name) => path.startsWith(`${name}/`));
  const strange = rest.find(({ path }) => path === INSIDE.early || isStrange(path));
  if (strange !== undefined) {
    throw new KdockError("engine", `the builder handed over ${JSON.stringify(strange.path)}`);
  }
  const early = taken.find(({ path, kind }) => path === EARLY && kind === "file");
  const isThere = rest.some(({ path }) => path === VMLINUX);
  // A set without either, or with nothing else, is none.
  if (rest.length === 0 || (early === undefined && !isThere)) {
    throw new KdockError("engine", "the builder handed over only a part");
  }
  const { files } = ctx.host;
  if (early !== undefined && !isThere) {
    await files.replace(`${folder}/${EARLY}`, `${folder}/${VMLINUX}`);
    rest.push({ ...early, path: VMLINUX });
  }
  await files.remove(`${folder}/${INSIDE.early}`);
  return rest.sort((a, b) => (a.path < b.path ? -1 : 1));
}
