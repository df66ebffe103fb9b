import { pipeline } from "node:stream/promises";
import { Writable } from "node:stream";
import { UnstorableError } from "../../core/errors.js";
import { archiveError, type ArchiveSource } from "../../archive/archive-source.js";
import { ArchiveTree, unusable } from "../../archive/archive-tree.js";
import type { MarkedStream } from "../../archive/marked-stream.js";
import type { FolderFacts, TreeWriter } from "../../host/host.js";
import type { GuestSession } from "../../vm/agent/session.js";
import { type FileFacts, headerOf, parseFileFacts, reasonIn } from "../plan/file-facts.js";
import type { LeftOut } from "./copy-progress.js";
import { END_CHILDREN, LOOK_AT_FILE } from "./copy-scripts.js";
import { askGuest } from "./guest-script.js";

const MAX_ENTRIES = 200_000;
/** /proc/kcore claims to have 128 TiB. */
const MAX_BYTES = 2 ** 40;

/** Of the list of all entries. */
const LIST_BYTES = 64 << 20;
/** Of a path, and of a link's text; Linux takes 4096. */
const PATH_BYTES = 64 << 10;
const EXIT_CODE_BYTES = 16;

const COMPLAINT_BYTES = 500;

const LIST: ArchiveSource = {
  subject: "the guest's list of the folder's files",
  code: "vm",
  hint: "Copy its subfolders one by one.",
};

export interface ReceivedTree {
  readonly entries: number;
  readonly bytes: number;
  /** Innermost first. */
  readonly folders: readonly FolderFacts[];
  readonly leftOut: readonly LeftOut[];
}

interface Copying {
  readonly session: GuestSession;
  readonly from: string;
  readonly tree: TreeWriter;
  readonly token: string;
}

/** Reads what `GIVE_GENERATED` prints, and writes it below a folder of the host. */
export class GeneratedReader {
  readonly #session: GuestSession;
  readonly #from: string;
  readonly #tree: TreeWriter;
  readonly #token: string;
  readonly #stream: MarkedStream;
  readonly #place = new ArchiveTree({ links: "as-text", names: "any", source: LIST });
  readonly #facts = new Map<string, FileFacts>();
  readonly #folders: FolderFacts[] = [];
  readonly #leftOut: LeftOut[] = [];
  readonly #hardLinks: { readonly path: string; readonly original: string }[] = [];
  readonly #symlinks: { readonly path: string; readonly text: string }[] = [];
  /** By device and inode: the first name of a file that has several. */
  readonly #first = new Map<string, string>();
  /** The file at hand, the shell whose child reads it, and why that child was ended. */
  #path = "";
  #shell = "";
  #ended: string | undefined;
  #isEnding = false;
  #entries = 1;
  #bytes = 0;

  constructor({ session, from, tree, token }: Copying, stream: MarkedStream) {
    this.#session = session;
    this.#from = from;
    this.#tree = tree;
    this.#token = token;
    this.#stream = stream;
  }

  async receive(): Promise<ReceivedTree> {
    await this.#readFacts();
    for (;;) {
      const first = await this.#stream.byte();
      if (first === "!") break;
      const rest = await this.#stream.textBefore("//\n", "a path", PATH_BYTES);
      const [, shell = "", path = ""] = /^(\d+) \.\/(.*)$/s.exec(first + rest) ?? [];
      this.#path = path;
      this.#shell = shell;
      this.#ended = undefined;
      await this.#readEntry(path);
      await this.#stream.textBefore(this.#token, "what is between two files", PATH_BYTES);
    }
    // Last: nothing is written any more that could go through one.
    for (const { path, original } of this.#hardLinks) {
      await this.#make(path, () => this.#tree.hardLink(path, original));
    }
    for (const { path, text } of this.#symlinks) {
      await this.#make(path, () => this.#tree.symlink(path, text));
    }
    for (const path of this.#facts.keys()) this.#leaveOut(path, "it went away meanwhile");
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      folders: this.#folders.reverse(),
      leftOut: this.#leftOut,
    };
  }

  /** Where the file at hand has fallen silent: real ones among the generated do end, however long they take. */
  async endSilentFile(): Promise<void> {
    const path = this.#path;
    const [files] = await askGuest(this.#session, LOOK_AT_FILE, `${this.#from}/${path}`);
    if (files === "generated" && path === this.#path) await this.#endFile("it does not end");
  }

  /** Ends what reads the file at hand, which is then left out. */
  async #endFile(why: string): Promise<void> {
    this.#ended = why;
    await askGuest(this.#session, END_CHILDREN, this.#shell);
  }

  async #readFacts(): Promise<void> {
    const what = "the list of the folder's files";
    const list = await this.#stream.textBefore(this.#token, what, LIST_BYTES);
    const lines = list.split("//\n", MAX_ENTRIES + 1);
    if (lines.length > MAX_ENTRIES) {
      throw archiveError(LIST, `has more than ${MAX_ENTRIES} entries`);
    }
    for (const facts of lines.map(parseFileFacts)) {
      if (facts === undefined) continue;
      const problem = facts.type === null ? "which is a socket" : unusable(headerOf(facts));
      if (problem !== undefined) this.#leaveOut(facts.path, problem);
      else if (facts.type === "directory") await this.#makeFolder(facts);
      else this.#facts.set(facts.path, facts);
    }
  }

  async #makeFolder(facts: FileFacts): Promise<void> {
    const { path, mode, modified } = facts;
    const isRoot = this.#place.place(headerOf(facts)) === undefined;
    if (isRoot || (await this.#make(path, () => this.#tree.folder(path, mode)))) {
      this.#folders.push({ path, mode, modified });
    }
  }

  async #readEntry(path: string): Promise<void> {
    const facts = this.#facts.get(path);
    this.#facts.delete(path);
    if (facts?.type === "symlink") return this.#readLink(facts);
    const original = this.#first.get(facts?.inode ?? "");
    if (facts === undefined || original !== undefined) {
      await this.#drain();
      // What came after the list was made is not part of the copy.
      if ((await this.#exitCode()) === 0 && original !== undefined) {
        this.#place.place(headerOf({ path, mode: 0, type: "file" }));
        this.#hardLinks.push({ path, original });
      }
      return;
    }
    await this.#readFile(facts);
  }

  async #readLink(facts: FileFacts): Promise<void> {
    const text = await this.#stream.textBefore(this.#token, "the text of a link", PATH_BYTES);
    const header = headerOf(facts, text.replace(/\n$/, ""));
    const problem = (await this.#exitCode()) === 0 ? unusable(header) : reasonIn(text);
    if (problem !== undefined) {
      this.#leaveOut(facts.path, problem);
      return;
    }
    const placed = this.#place.place(header);
    if (placed === undefined) return;
    this.#symlinks.push({ path: placed.path, text: placed.target });
  }

  async #readFile(facts: FileFacts): Promise<void> {
    const { path, mode, modified } = facts;
    this.#place.place(headerOf(facts));
    let bytes = 0;
    let tail = Buffer.alloc(0);
    const end = { isHeard: false };
    const heard = async function* (this: GeneratedReader): AsyncGenerator<Buffer> {
      for await (const chunk of this.#stream.before(Buffer.from(this.#token))) {
        if (facts.size >= MAX_BYTES) this.#endEndless(facts);
        bytes += chunk.length;
        tail = Buffer.concat([tail, chunk]).subarray(-COMPLAINT_BYTES);
        yield chunk;
      }
      end.isHeard = true;
    };
    const isWritten = await this.#make(path, async () => {
      const file = await this.#tree.file(path, mode, modified);
      await pipeline(heard.call(this), file).catch(async (error: unknown) => {
        if (error instanceof UnstorableError) await this.#tree.remove(path);
        throw error;
      });
    });
    if (!end.isHeard) await pipeline(heard.call(this), nowhere());
    const isRead = (await this.#exitCode()) === 0;
    if (!isWritten) return;
    if (!isRead) {
      await this.#tree.remove(path);
      this.#entries -= 1;
      this.#leaveOut(path, this.#ended ?? reasonIn(tail.toString()));
      return;
    }
    if (facts.links > 1) this.#first.set(facts.inode, path);
    this.#bytes += bytes;
  }

  /** Whether it was made; what the file system does not have is left out. */
  async #make(path: string, make: () => Promise<void>): Promise<boolean> {
    try {
      await make();
      this.#entries += 1;
      return true;
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      this.#leaveOut(path, error.why);
      return false;
    }
  }

  /** Not awaited: the answer comes behind what the file still gives. */
  #endEndless({ size }: FileFacts): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const why = `it claims to have ${Math.round(size / 2 ** 40)} TiB`;
    void this.#endFile(why)
      .catch(() => undefined)
      .finally(() => (this.#isEnding = false));
  }

  async #drain(): Promise<void> {
    await pipeline(this.#stream.before(Buffer.from(this.#token)), nowhere());
  }

  async #exitCode(): Promise<number> {
    const code = await this.#stream.textBefore("\n", "an exit code", EXIT_CODE_BYTES);
    return Number(code.slice(1));
  }

  #leaveOut(path: string, why: string): void {
    this.#leftOut.push({ path, why });
  }
}

function nowhere(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}
