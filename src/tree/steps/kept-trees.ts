import type { HostFiles } from "../../host/host.js";
import { packedDigest, packIndex, type TreeIndex, unpackIndex } from "../plan/tree-index.js";
import type { TreePlace } from "../../core/speculative-scan.js";

/** Ending of a note: its last word is the digest of a tree whose index must be kept for it. */
export const NOTE = { built: ".built", sent: ".sent" } as const;

type Files = Pick<
  HostFiles,
  "exists" | "list" | "readBytes" | "readHead" | "readText" | "remove" | "status" | "writeAtomic"
>;

/** The tree as it was seen last; undefined where nobody has looked at it, or another kdock. */
export async function newestIndex(files: Files, { newest }: TreePlace) {
  return (await files.exists(newest)) ? readIndex(files, newest) : undefined;
}

/** The tree as it was with a digest; undefined where that is not known any more. */
export async function indexWith(
  files: Files,
  place: TreePlace,
  digest: string,
): Promise<TreeIndex | undefined> {
  for (const path of [place.newest, olderPath(place, digest)]) {
    if ((await digestAt(files, path)) !== digest) continue;
    const index = await readIndex(files, path);
    if (index?.digest === digest) return index;
  }
  return undefined;
}

/** Another command may put another one there, or take it away. */
async function readIndex(files: Files, path: string): Promise<TreeIndex | undefined> {
  return unpackIndex(await files.readBytes(path).catch(() => undefined));
}

async function digestAt(files: Files, path: string): Promise<string | undefined> {
  if (!(await files.exists(path))) return undefined;
  const head = await files.readHead(path, HEAD_BYTES).catch(() => undefined);
  return head === undefined ? undefined : packedDigest(head);
}

const HEAD_BYTES = 512;

/** Puts an index in the place of the newest, which is kept where a note names it, as others are only as long as one does. */
export async function keepIndex(
  files: Files,
  place: TreePlace,
  { before, index }: { readonly before: string | undefined; readonly index: TreeIndex },
): Promise<void> {
  const needed = await notedDigests(files, place);
  const isNeeded = before !== undefined && before !== index.digest && needed.has(before);
  const last = isNeeded ? await files.readBytes(place.newest).catch(() => undefined) : undefined;
  if (isNeeded && last !== undefined && packedDigest(last) === before) {
    // A copy: whoever looks meanwhile finds the newest where it was. Two commands at once may both make one.
    await files.writeAtomic(olderPath(place, before), last);
  }
  await files.writeAtomic(place.newest, packIndex(index));
  const kept = new Set([...needed].map((digest) => olderPath(place, digest)));
  for (const name of await files.list(place.state)) {
    const path = `${place.state}/${name}`;
    if ((OLDER.test(name) && !kept.has(path)) || (await isLeft(files, path))) {
      await files.remove(path);
    }
  }
}

/** What a command that was killed was writing a while ago, or a former kdock has written. */
async function isLeft(files: Files, path: string): Promise<boolean> {
  if (/\.(?:built|sent)-index$/.test(path)) return true;
  if (!path.includes(".packed.")) return false;
  const { modified } = (await files.status(path)) ?? {};
  return modified !== undefined && modified.getTime() < Date.now() - 60_000;
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
