import type { HostFiles } from "../../host/host.js";
import { packedDigest, packIndex, type TreeIndex, unpackIndex } from "../plan/tree-index.js";
import type { TreePlace } from "../../core/speculative-scan.js";

/** File endings of build and send records. The last word of a record is a tree's digest, whose index is kept for it. */
export const RECORD = { built: ".built", sent: ".sent" } as const;

type Files = Pick<
  HostFiles,
  "exists" | "list" | "readBytes" | "readHead" | "readText" | "remove" | "status" | "writeAtomic"
>;

/** The index of the latest scan; undefined if there is none, or one of another version of kdock. */
export async function newestIndex(files: Files, { newest }: TreePlace) {
  return (await files.exists(newest)) ? readIndex(files, newest) : undefined;
}

/** The index with a digest; undefined if it is not stored any more. */
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

/** Undefined also if another command replaces or removes the file meanwhile. */
async function readIndex(files: Files, path: string): Promise<TreeIndex | undefined> {
  return unpackIndex(await files.readBytes(path).catch(() => undefined));
}

async function digestAt(files: Files, path: string): Promise<string | undefined> {
  if (!(await files.exists(path))) return undefined;
  const head = await files.readHead(path, HEAD_BYTES).catch(() => undefined);
  return head === undefined ? undefined : packedDigest(head);
}

const HEAD_BYTES = 512;

/** Replaces the latest index. Older ones are kept while a build or send record refers to them. */
export async function saveIndex(
  files: Files,
  place: TreePlace,
  { before, index }: { readonly before: string | undefined; readonly index: TreeIndex },
): Promise<void> {
  const needed = await recordedDigests(files, place);
  const isNeeded = before !== undefined && before !== index.digest && needed.has(before);
  const last = isNeeded ? await files.readBytes(place.newest).catch(() => undefined) : undefined;
  if (isNeeded && last !== undefined && packedDigest(last) === before) {
    // Copied, not moved: other commands read the latest index meanwhile. Two commands at once may both write the copy.
    await files.writeAtomic(olderPath(place, before), last);
  }
  await files.writeAtomic(place.newest, packIndex(index));
  const kept = new Set([...needed].map((digest) => olderPath(place, digest)));
  for (const name of await files.list(place.state)) {
    const path = `${place.state}/${name}`;
    if ((OLDER.test(name) && !kept.has(path)) || (await isStale(files, path))) {
      await files.remove(path);
    }
  }
}

/** A temporary file of a command that was killed, or a file of an earlier version of kdock. */
async function isStale(files: Files, path: string): Promise<boolean> {
  if (/\.(?:built|sent)-index$/.test(path)) return true;
  if (!path.includes(".packed.")) return false;
  const { modified } = (await files.status(path)) ?? {};
  return modified !== undefined && modified.getTime() < Date.now() - 60_000;
}

const OLDER = /^[\da-f]{16}\.packed$/;

function olderPath({ state }: TreePlace, digest: string): string {
  return `${state}/${digest.slice(0, 16)}.packed`;
}

async function recordedDigests(files: Files, { state }: TreePlace): Promise<Set<string>> {
  const found = new Set<string>();
  if (!(await files.exists(state))) return found;
  for (const name of await files.list(state)) {
    if (!Object.values(RECORD).some((ending) => name.endsWith(ending))) continue;
    const text = (await files.readText(`${state}/${name}`)) ?? "";
    found.add(text.trim().split(" ").at(-1) ?? "");
  }
  return found;
}
