import type { Readable } from "node:stream";
import { KdockError } from "../errors.js";
import type { ManifestFile } from "../plan/manifest.js";
import { INSIDE } from "../plan/names.js";
import type { Context } from "./context.js";
import { unpack } from "./extract.js";

/**
 * Puts what a builder hands over into a folder that exists and is empty: files that come early, while others are made, and
 * then the rest. One that the rest has again is another one by then. Untrusted, as an engine's archive is.
 */
export async function takeOver(
  ctx: Context,
  archive: Readable,
  folder: string,
): Promise<ManifestFile[]> {
  const taken = await unpack(ctx, archive, folder);
  const early = taken.filter(({ path }) => path.startsWith(PREFIX));
  if (early.length === 0) return taken;
  const rest = taken.filter(({ path }) => !path.startsWith(PREFIX));
  if (rest.length === 0) throw new KdockError("engine", "the builder handed over only a part");
  const remade = new Set(rest.map(({ path }) => path));
  const valid = early
    .map((file) => ({ ...file, path: file.path.slice(PREFIX.length) }))
    .filter(({ path }) => !remade.has(path));
  const { files } = ctx.host;
  for (const { path } of valid) {
    await files.replace(`${folder}/${PREFIX}${path}`, `${folder}/${path}`);
  }
  await files.remove(`${folder}/${INSIDE.early}`);
  return [...rest, ...valid].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const PREFIX = `${INSIDE.early}/`;
