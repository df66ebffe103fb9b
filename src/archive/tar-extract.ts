import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Header } from "tar-stream";
import { UnstorableError } from "../core/errors.js";
import { archiveError, type ArchiveSource, FROM_CONTAINER } from "./archive-source.js";
import {
  ArchiveTree,
  type LinkPolicy,
  type NamePolicy,
  type PlacedEntry,
  unusable,
} from "./archive-tree.js";
import { readTar } from "./read-tar.js";

/**
 * Receives the entries. Paths are relative, stay inside, and pass through no link; folders come before their entries, and links
 * come last.
 */
export interface TarSink {
  file(path: string, mode: number, modified: Date | undefined): Promise<NodeJS.WritableStream>;
  directory(path: string, mode: number, modified: Date | undefined): Promise<void>;
  /** `original` is a file that exists. */
  hardLink(path: string, original: string): Promise<void>;
  symlink(path: string, target: string): Promise<void>;
  /** Removes a file that could not be written completely. */
  remove(path: string): Promise<void>;
}

export interface TarExtractOptions {
  /** An archive with more entries is rejected. */
  readonly maxEntries?: number;
  /** "inside" unless given. */
  readonly links?: LinkPolicy;
  /** "plain" unless given. */
  readonly names?: NamePolicy;
  /** The container unless given. */
  readonly source?: ArchiveSource;
  /**
   * Called for entries that are left out: devices and the like, names that are not UTF-8, entries that the sink rejects with an
   * `UnstorableError`, and hard links to those. Without it they are errors.
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
 * Extracts an archive of one folder, as from `getArchive`, and removes the folder's name from the paths. Rejects with the source's
 * error for an entry that could be written outside, before it reaches the sink. The result is in code-unit order of path, with
 * hard links as files.
 */
export async function extractTar(
  archive: Readable,
  sink: TarSink,
  options: TarExtractOptions = {},
): Promise<ExtractedEntry[]> {
  const extraction = new Extraction(sink, options);
  await readTar(archive, (header, content) => extraction.visit(header, content), options.source);
  await extraction.makeLinks();
  return extraction.entries();
}

class Extraction {
  readonly #sink: TarSink;
  readonly #source: ArchiveSource;
  readonly #maxEntries: number;
  readonly #onLeftOut: TarExtractOptions["onLeftOut"];
  readonly #tree: ArchiveTree;
  readonly #made = new Map<string, ExtractedEntry>();
  readonly #links: { readonly header: Header; readonly placed: PlacedEntry }[] = [];
  #count = 0;

  constructor(sink: TarSink, options: TarExtractOptions) {
    const { links, names, source = FROM_CONTAINER } = options;
    this.#sink = sink;
    this.#source = source;
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES;
    this.#onLeftOut = options.onLeftOut;
    this.#tree = new ArchiveTree({ links, names, source });
  }

  entries(): ExtractedEntry[] {
    return [...this.#made.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async visit(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    if (++this.#count > this.#maxEntries) {
      throw this.#refused(`more than ${this.#maxEntries} entries`);
    }
    if (this.#isLeftOut(header)) return;
    const placed = this.#tree.place(header);
    if (placed === undefined) return;
    const { path, kind, mode } = placed;
    switch (kind) {
      case "symlink":
      case "hardlink":
        this.#links.push({ header, placed });
        break;
      case "directory":
        await this.#unlessUnstorable(header, async () => {
          await this.#sink.directory(path, mode, header.mtime);
          this.#made.set(path, { path, kind, mode, size: 0, sha256: "", target: "" });
        });
        break;
      case "file":
        await this.#unlessUnstorable(header, async () => {
          const written = await this.#write(placed, header, content);
          this.#made.set(path, { path, kind, mode, ...written, target: "" });
        });
    }
  }

  /** Hard links first, while there is no symbolic link that a path could pass through. */
  async makeLinks(): Promise<void> {
    for (const { header, placed } of this.#links) {
      if (placed.kind !== "hardlink" || this.#isLeftOut(header)) continue;
      const { path, target } = placed;
      const original = this.#made.get(target);
      if (original === undefined) throw this.#refused(`${path} as a link to a later entry`);
      await this.#unlessUnstorable(header, async () => {
        await this.#sink.hardLink(path, target);
        this.#made.set(path, { ...original, path });
      });
    }
    for (const { header, placed } of this.#links) {
      const { path, kind, mode, target } = placed;
      if (kind !== "symlink") continue;
      await this.#unlessUnstorable(header, async () => {
        await this.#sink.symlink(path, target);
        this.#made.set(path, { path, kind, mode, size: 0, sha256: "", target });
      });
    }
  }

  async #write(
    { path, mode }: PlacedEntry,
    header: Header,
    content: AsyncIterable<Uint8Array>,
  ): Promise<Pick<ExtractedEntry, "size" | "sha256">> {
    const file = await this.#sink.file(path, mode, header.mtime);
    const written = await copy(content, file).catch(async (error: unknown) => {
      if (error instanceof UnstorableError) await this.#sink.remove(path);
      throw error;
    });
    const { size } = written;
    if (size !== header.size) throw this.#refused(`${path} with ${size} of ${header.size} bytes`);
    return written;
  }

  #isLeftOut(header: Header): boolean {
    if (this.#onLeftOut === undefined) return false;
    const problem = unusable(header) ?? this.#tree.missingOriginal(header);
    if (problem !== undefined) this.#leaveOut(header, problem);
    return problem !== undefined;
  }

  #leaveOut(header: Header, why: string): void {
    this.#tree.leaveOut(header);
    this.#onLeftOut?.(header.name, why);
  }

  async #unlessUnstorable(header: Header, make: () => Promise<void>): Promise<void> {
    try {
      await make();
    } catch (error) {
      if (this.#onLeftOut === undefined || !(error instanceof UnstorableError)) throw error;
      this.#leaveOut(header, error.why);
    }
  }

  #refused(what: string): Error {
    return archiveError(this.#source, `holds ${what}`);
  }
}

/** Reads the content completely, even after the file has failed with an UnstorableError. */
async function copy(
  content: AsyncIterable<Uint8Array>,
  file: NodeJS.WritableStream,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  const chunks = content[Symbol.asyncIterator]();
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      hash.update(next.value);
      size += next.value.byteLength;
      yield next.value;
    }
  }
  try {
    await pipeline(hashed, file);
  } catch (error) {
    if (error instanceof UnstorableError) while ((await chunks.next()).done !== true);
    throw error;
  }
  return { size, sha256: hash.digest("hex") };
}
