import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { bytesOf, sizeOf, type Content } from "./content.js";

/** `path` is relative, with forward slashes; `mode` is permission bits. */
export type TarEntry = TarOwner &
  (
    | {
        readonly kind: "file";
        readonly path: string;
        readonly mode: number;
        readonly content: Content;
      }
    | { readonly kind: "directory"; readonly path: string; readonly mode: number }
    | { readonly kind: "symlink"; readonly path: string; readonly target: string }
    /** `target` is the path of a file that comes before. */
    | { readonly kind: "hardlink"; readonly path: string; readonly target: string }
  );

/** Root, and 1970, unless given. */
interface TarOwner {
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeSeconds?: number;
}

/**
 * The same bytes for the same entries, in whichever order they come. Contents are opened one after the other, when the
 * reader gets there; a content that fails fails the result.
 */
export function packTar(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): Readable {
  return Readable.from(archive(entries), { objectMode: false });
}

async function* archive(
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const filled = fill(tar, entries).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    // Nobody reads on: whoever fills must not wait for ever.
    tar.destroy();
    await filled;
  }
}

async function fill(
  tar: Pack,
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
): Promise<void> {
  const all: TarEntry[] = [];
  for await (const entry of entries) all.push(entry);
  // Code units: localeCompare depends on the machine.
  all.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const entry of all) await add(tar, entry);
  tar.finalize();
}

async function add(tar: Pack, entry: TarEntry): Promise<void> {
  const { path: name, uid = 0, gid = 0, mtimeSeconds = 0 } = entry;
  const common = { name, uid, gid, uname: "", gname: "", mtime: new Date(mtimeSeconds * 1000) };
  switch (entry.kind) {
    case "directory":
      tar.entry({ ...common, type: "directory", mode: entry.mode });
      break;
    case "symlink":
      tar.entry({ ...common, type: "symlink", mode: 0o777, linkname: entry.target });
      break;
    case "hardlink":
      tar.entry({ ...common, type: "link", linkname: entry.target });
      break;
    case "file": {
      const size = sizeOf(entry.content);
      const sink = tar.entry({ ...common, type: "file", mode: entry.mode, size });
      await pipeline(bytesOf(name, entry.content), sink as unknown as NodeJS.WritableStream);
    }
  }
}
