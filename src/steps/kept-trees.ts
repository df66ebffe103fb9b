import type { HostFiles } from "../host/host.js";
import { packedDigest, packIndex, type TreeIndex, unpackIndex } from "../plan/tree-index.js";
import type { TreePlace } from "./tree-look.js";

/** Ending of a note: its last word is the digest of a tree whose index must be kept for it. */
export const NOTE = { built: ".built", sent: ".sent" } as const;

type Files = Pick<
  HostFiles,
  "exists" | "list" | "readBytes" | "readHead" | "readText" | "remove" | "replace" | "writeAtomic"
>;

/** The tree as it was seen last; undefined where nobody has looked at it, or another kdock. */
export async function newestIndex(files: Files, { newest }: TreePlace) {
  return (await files.exists(newest)) ? unpackIndex(await files.readBytes(newest)) : undefined;
}

/** The tree as it was with a digest; undefined where that is not known any more. */
export async function indexWith(
  files: Files,
  place: TreePlace,
  digest: string,
): Promise<TreeIndex | undefined> {
  for (const path of [place.newest, olderPath(place, digest)]) {
    if (!(await files.exists(path))) continue;
    if (packedDigest(await files.readHead(path, HEAD_BYTES)) !== digest) continue;
    return unpackIndex(await files.readBytes(path));
  }
  return undefined;
}

const HEAD_BYTES = 512;

/** Puts an index in the place of the newest, which is kept where a note names it, as others are only as long as one does. */
export async function keepIndex(
  files: Files,
  place: TreePlace,
  { before, index }: { readonly before: string | undefined; readonly index: TreeIndex },
): Promise<void> {
  const needed = await notedDigests(files, place);
  if (before !== undefined && before !== index.digest && needed.has(before)) {
    // Two commands at once may both see it; the other one has moved it then.
    await files.replace(place.newest, olderPath(place, before)).catch(() => undefined);
  }
  await files.writeAtomic(place.newest, packIndex(index));
  const kept = new Set([...needed].map((digest) => olderPath(place, digest)));
  for (const name of await files.list(place.state)) {
    const path = `${place.state}/${name}`;
    if (OLDER.test(name) && !kept.has(path)) await files.remove(path);
  }
}

const OLDER = /^[\da-f]{16}\.packed$/;

function olderPath({ state }: TreePlace, digest: string): string {
  return `${state}/${digest.slice(0, 16)}.packed`;
}

async function notedDigests(files: Files, { state }: TreePlace): Promise<Set<string>> {
  const found = new Set<string>();
  if (!(await files.exists(state))) return found;
  for (const name of await files.list(state)) {
    if (!Object.values(NOTE).some((ending) => name.endsWith(ending))) continue;
    const text = (await files.readText(`${state}/${name}`)) ?? "";
    found.add(text.trim().split(" ").at(-1) ?? "");
  }
  return found;
}
