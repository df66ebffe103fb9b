import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Header } from "tar-stream";
import { archiveError, type ArchiveSource, FROM_CONTAINER } from "./archive-source.js";
import {
  ArchiveTree,
  type LinkPolicy,
  type NamePolicy,
  type PlacedEntry,
  unusable,
} from "./archive-tree.js";
import { readTar, type Visit } from "./read-tar.js";

/**
 * Where the entries go. Paths are relative, stay inside, and go through no link; folders come before what is in them, and
 * links come last, when there is nothing left to be written.
 */
export interface TarSink {
  file(path: string, mode: number, modified: Date | undefined): Promise<NodeJS.WritableStream>;
  directory(path: string, mode: number, modified: Date | undefined): Promise<void>;
  /** `original` is a file that is there. */
  hardLink(path: string, original: string): Promise<void>;
  symlink(path: string, target: string): Promise<void>;
}

export interface TarExtractOptions {
  /** An archive with more entries is refused. */
  readonly maxEntries?: number;
  /** "inside" unless given. */
  readonly links?: LinkPolicy;
  /** "plain" unless given. */
  readonly names?: NamePolicy;
  /** The container unless given. */
  readonly source?: ArchiveSource;
  /**
   * Told of devices and the like, of names that are no UTF-8, and of hard links to those, which are left out then. Without it
   * they are refused.
   */
  readonly onLeftOut?: (name: string, why: string) => void;
}

export interface ExtractedEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  /** Permission bits without setuid, setgid and sticky. */
  readonly mode: number;
  readonly size: number;
  /** Of the content; "" for folders and links. */
  readonly sha256: string;
  /** The link's text; "" for others. */
  readonly target: string;
}

const MAX_ENTRIES = 200_000;

/**
 * Unpacks what `getArchive` of a folder gives, whose entries all start with the folder's name: that name is taken off.
 * Rejects with the source's error on anything that could land outside of the sink, before the sink hears of it. The result is
 * in code-unit order of path; a hard link is a file there.
 */
export async function extractTar(
  archive: Readable,
  sink: TarSink,
  options: TarExtractOptions = {},
): Promise<ExtractedEntry[]> {
  const { links: linkPolicy, names, onLeftOut, source = FROM_CONTAINER } = options;
  const tree = new ArchiveTree({ links: linkPolicy, names, source });
  const extracted: ExtractedEntry[] = [];
  const maxEntries = options.maxEntries ?? MAX_ENTRIES;
  let count = 0;
  const links: PlacedEntry[] = [];
  const refused = (what: string) => archiveError(source, `holds ${what}`);
  const visit: Visit = async (header, content) => {
    if (++count > maxEntries) throw refused(`more than ${maxEntries} entries`);
    const problem =
      onLeftOut === undefined ? undefined : (unusable(header) ?? tree.missingOriginal(header));
    if (problem !== undefined) {
      tree.leaveOut(header);
      onLeftOut?.(header.name, problem);
      return;
    }
    const placed = tree.place(header);
    if (placed === undefined) return;
    const { path, kind, mode } = placed;
    if (kind === "symlink" || kind === "hardlink") links.push(placed);
    else {
      const written = await write({ ...placed, kind }, header, content, sink);
      if (kind === "file" && written.size !== header.size) {
        throw refused(`${path} with ${written.size} of ${header.size} bytes`);
      }
      extracted.push({ path, mode, ...written });
    }
  };
  await readTar(archive, visit, source);
  extracted.push(...(await makeLinks(links, extracted, sink, refused)));
  return extracted.sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Written = Omit<ExtractedEntry, "path" | "mode">;

/** Hard ones first: until then there is no link that one could go through. */
async function makeLinks(
  links: readonly PlacedEntry[],
  extracted: readonly ExtractedEntry[],
  sink: TarSink,
  refused: (what: string) => Error,
): Promise<ExtractedEntry[]> {
  const made = new Map(extracted.map((entry) => [entry.path, entry]));
  for (const { path, kind, target } of links) {
    if (kind !== "hardlink") continue;
    const original = made.get(target);
    if (original === undefined) throw refused(`${path} as a link to what comes later`);
    await sink.hardLink(path, target);
    made.set(path, { ...original, path });
  }
  for (const { path, kind, mode, target } of links) {
    if (kind !== "symlink") continue;
    await sink.symlink(path, target);
    made.set(path, { path, kind, mode, size: 0, sha256: "", target });
  }
  return links.flatMap(({ path }) => made.get(path) ?? []);
}

async function write(
  placed: PlacedEntry & { readonly kind: "file" | "directory" },
  header: Header,
  content: AsyncIterable<Uint8Array>,
  sink: TarSink,
): Promise<Written> {
  const { path, kind, mode } = placed;
  switch (kind) {
    case "directory":
      await sink.directory(path, mode, header.mtime);
      return { kind, size: 0, sha256: "", target: "" };
    case "file": {
      const file = await sink.file(path, mode, header.mtime);
      const { size, sha256 } = await copy(content, file);
      return { kind, size, sha256, target: "" };
    }
  }
}

async function copy(
  content: AsyncIterable<Uint8Array>,
  file: NodeJS.WritableStream,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.byteLength;
      yield chunk;
    }
  }
  await pipeline(hashed, file);
  return { size, sha256: hash.digest("hex") };
}
