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
    /** `target` is the path of an earlier file. */
    | { readonly kind: "hardlink"; readonly path: string; readonly target: string }
  );

/** Defaults: root, and 1970. */
interface TarOwner {
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeSeconds?: number;
}

export interface PackOptions {
  /** The entries are in code-unit order of path already: they are packed as they come, and not held in memory. */
  readonly isSorted?: boolean;
}

type TarEntries = Iterable<TarEntry> | AsyncIterable<TarEntry>;

/**
 * Gives the same bytes for the same entries in any order. Contents are opened one after the other, when they are read; an error of
 * a content is an error of the result.
 */
export function packTar(entries: TarEntries, { isSorted = false }: PackOptions = {}): Readable {
  return Readable.from(archive(isSorted ? entries : sorted(entries)), { objectMode: false });
}

async function* sorted(entries: TarEntries): AsyncGenerator<TarEntry> {
  const all: TarEntry[] = [];
  for await (const entry of entries) all.push(entry);
  // Code units: localeCompare depends on the locale.
  yield* all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function* archive(entries: TarEntries): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const demand = new Demand();
  const filled = fill(tar, entries, demand).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) {
      demand.pause();
      yield chunk;
      demand.resume();
    }
  } finally {
    // The reader has stopped: `fill` must not wait for it.
    tar.destroy();
    demand.resume();
    await filled;
  }
}

async function fill(tar: Pack, entries: TarEntries, demand: Demand): Promise<void> {
  for await (const entry of entries) {
    // tar-stream has backpressure for contents only, and a tree may have many folders and links.
    await demand.resumed;
    await add(tar, entry);
  }
  tar.finalize();
}

/** Backpressure: resolved while the reader waits for more. */
class Demand {
  resumed: Promise<void> = Promise.resolve();
  resume: () => void = () => undefined;

  pause(): void {
    this.resumed = new Promise((resolve) => (this.resume = resolve));
  }
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
