import { pipeline } from "node:stream";
import { sizeOf } from "../../archive/content.js";
import { packTar, type TarEntry } from "../../archive/tar.js";
import { KdockError, messageOf } from "../../core/errors.js";
import type { GuestSession } from "../../vm/agent/session.js";
import type { FileStatus, HostFiles, TreeEntry } from "../../host/host.js";
import { copyTarget, type CopyTarget, nameOf, type TargetKind } from "../plan/copy-target.js";
import { counted, type CopyResult, type LeftOut, type Tell } from "./copy-progress.js";
import {
  LOOK_AT_TARGET,
  MERGE_TREE,
  REMOVE_FILE,
  TAKE_FILE,
  TAKE_LINK,
  TAKE_TREE,
} from "./copy-scripts.js";
import { askGuest, feedScript, startScript } from "./guest-script.js";

/** From the host into the guest. */
export async function copyIn(
  files: HostFiles,
  session: GuestSession,
  from: string,
  to: string,
  tell: Tell,
): Promise<CopyResult> {
  const source = await statusOf(files, from);
  const [kind, nested, tar] = await askGuest(session, LOOK_AT_TARGET, to, nameOf(from));
  const target = copyTarget(
    { path: from, kind: source.kind },
    { path: to, kind: kind as TargetKind, nested: nested as TargetKind },
  );
  const { folder, name } = target;
  switch (source.kind) {
    case "symlink": {
      const script = startScript(session, TAKE_LINK, folder, name, source.target);
      script.command.stdin.end();
      script.command.stdout.resume();
      await script.done;
      return { from, to, entries: 1, bytes: 0, leftOut: [] };
    }
    case "file": {
      const { mode, modified, sizeBytes } = source;
      const time = Math.floor(modified.getTime() / 1000);
      const facts = [mode.toString(8), String(time)];
      const script = startScript(session, TAKE_FILE, folder, name, ...facts);
      const counter = counted(tell, sizeBytes);
      await feedScript(script, piped(files.readStream(from), counter));
      return { from, to, entries: 1, bytes: counter.bytes, leftOut: [] };
    }
    case "directory": {
      if (tar !== "tar") throw noTar();
      return { from, to, ...(await copyTree(files, session, from, target, tell)) };
    }
  }
}

interface Source extends FileStatus {
  readonly kind: "file" | "directory" | "symlink";
}

/** A slash at the end asks for what is behind a link. */
async function statusOf(files: HostFiles, path: string): Promise<Source> {
  const found = await files.status(path.endsWith("/") ? `${path}.` : path);
  if (found === undefined) {
    throw new KdockError("usage", `there is no ${path.endsWith("/") ? "folder " : ""}${path}`, {
      hint: "A path of the guest begins with a colon, like :/root.",
    });
  }
  const { kind } = found;
  if (kind === "other") {
    throw new KdockError("usage", `${path} is a device, socket or pipe; kdock copies files only`);
  }
  return { ...found, kind };
}

async function copyTree(
  files: HostFiles,
  session: GuestSession,
  from: string,
  { folder, name, merges }: CopyTarget,
  tell: Tell,
): Promise<Omit<CopyResult, "from" | "to">> {
  const root = (await files.status(from.endsWith("/") ? `${from}.` : from)) ?? { mode: 0o755 };
  const packing = new TreePacking(files, from, name);
  const below = await files.tree(from, (path, why) => {
    packing.leaveOut(path, why);
  });
  const total = below.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const script = merges
    ? startScript(session, MERGE_TREE, folder)
    : startScript(session, TAKE_TREE, folder, name);
  const tar = packTar(packing.entries(root.mode, below), { isSorted: true });
  await feedScript(script, piped(tar, counted(tell, total)));
  for (const path of packing.incomplete) await askGuest(session, REMOVE_FILE, `${folder}/${path}`);
  const { count, bytes, leftOut } = packing;
  return { entries: count, bytes, leftOut };
}

/** Files that say that they are small are read at once: they may be of /proc, whose sizes are not true. */
const SMALL_BYTES = 1 << 16;
/** Of such a file. */
const MAX_BYTES_AT_ONCE = 64 << 20;

/** The entries of a tar of a folder, read one after the other. What cannot be read is left out. */
class TreePacking {
  readonly leftOut: LeftOut[] = [];
  /** Paths in the tar of files that are left out, but were in it when that turned out. */
  readonly incomplete: string[] = [];
  count = 0;
  bytes = 0;
  readonly #files: HostFiles;
  readonly #from: string;
  readonly #name: string;
  /** By inode: the path in the tar of a file that has several names. */
  readonly #first = new Map<string, string>();

  /** `name` is the folder's in the tar, "" for none. */
  constructor(files: HostFiles, from: string, name: string) {
    this.#files = files;
    this.#from = from;
    this.#name = name;
  }

  leaveOut(path: string, why: string): void {
    this.leftOut.push({ path, why });
  }

  async *entries(mode: number, below: readonly TreeEntry[]): AsyncGenerator<TarEntry> {
    if (this.#name !== "") {
      yield { kind: "directory", path: this.#name, mode };
      this.count += 1;
    }
    for (const { path } of below) {
      const opened = await this.#open(path).catch((error: unknown) => {
        this.leaveOut(path, messageOf(error));
      });
      if (opened === undefined) continue;
      const { entry, inode, problem, close } = opened;
      try {
        yield entry;
      } finally {
        close?.();
      }
      const why = problem?.();
      if (why !== undefined) {
        this.leaveOut(path, why);
        this.incomplete.push(entry.path);
        continue;
      }
      this.count += 1;
      if (entry.kind === "file") this.bytes += sizeOf(entry.content);
      if (inode !== undefined && !this.#first.has(inode)) this.#first.set(inode, entry.path);
    }
  }

  async #open(path: string): Promise<OpenedEntry> {
    const full = `${this.#from}/${path}`;
    const found = await this.#files.status(full);
    if (found === undefined) throw new KdockError("config", "it went away meanwhile");
    const { kind, mode, modified, sizeBytes: size, target, inode } = found;
    const at = this.#name === "" ? path : `${this.#name}/${path}`;
    const common = { path: at, mtimeSeconds: Math.floor(modified.getTime() / 1000) };
    const original = this.#first.get(inode ?? "");
    if (original !== undefined) {
      return { entry: { kind: "hardlink", path: at, target: original } };
    }
    switch (kind) {
      case "directory":
        return { entry: { ...common, kind, mode } };
      case "symlink":
        return { entry: { ...common, kind, target } };
      case "other":
        throw new KdockError("config", "it is a device, socket or pipe");
      case "file": {
        if (size <= SMALL_BYTES) {
          const content = await this.#files.readBytes(full, MAX_BYTES_AT_ONCE);
          return { entry: { ...common, kind, mode, content }, inode };
        }
        const stream = await this.#files.openStream(full);
        let problem: string | undefined;
        const content = {
          size,
          open: () => filledUp(size, stream, (why) => (problem = why)),
        };
        return {
          entry: { ...common, kind, mode, content },
          inode,
          problem: () => problem,
          close: () => stream.destroy(),
        };
      }
    }
  }
}

interface OpenedEntry {
  readonly entry: TarEntry;
  /** Of a file that has other names. */
  readonly inode?: string | undefined;
  /** Once the entry is packed: why its content is not the file's. */
  readonly problem?: () => string | undefined;
  readonly close?: () => void;
}

const ZEROS = new Uint8Array(1 << 16);

/**
 * So many bytes, because the tar's header is out: what is written to a file after its size was taken is not copied, and
 * zeros stand for what is missing.
 */
async function* filledUp(
  size: number,
  content: AsyncIterable<Uint8Array>,
  onMissing: (why: string) => void,
): AsyncGenerator<Uint8Array> {
  let left = size;
  try {
    for await (const chunk of content) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
    onMissing("it became shorter while it was read");
  } catch (error) {
    onMissing(messageOf(error));
  }
  for (; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

/** Both fail when one does. */
function piped<T extends NodeJS.WritableStream>(source: NodeJS.ReadableStream, into: T): T {
  pipeline(source, into, () => undefined);
  return into;
}

export function noTar(): KdockError {
  return new KdockError("vm", "the guest has no tar, which copying a folder takes", {
    hint: "Copy single files, or give its busybox CONFIG_TAR.",
  });
}
