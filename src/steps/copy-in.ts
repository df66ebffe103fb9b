import { pipeline, Readable } from "node:stream";
import { packTar, type TarEntry } from "../archive/tar.js";
import { KdockError, messageOf } from "../errors.js";
import type { GuestSession } from "../guest/session.js";
import type { FileStatus, HostFiles } from "../host/host.js";
import { copyTarget, type CopyTarget, nameOf, type TargetKind } from "../plan/copy-target.js";
import { counted, type CopyResult, type LeftOut, type Tell } from "./copy-progress.js";
import { LOOK_AT_TARGET, MERGE_TREE, TAKE_FILE, TAKE_LINK, TAKE_TREE } from "./copy-scripts.js";
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
  const leftOut: LeftOut[] = [];
  const below = await files.tree(from, (path, why) => leftOut.push({ path, why }));
  const bytes = below.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const script = merges
    ? startScript(session, MERGE_TREE, folder)
    : startScript(session, TAKE_TREE, folder, name);
  const first = new Map<string, string>();
  let count = 0;
  async function* entries(): AsyncGenerator<TarEntry> {
    if (name !== "") yield { kind: "directory", path: name, mode: root.mode };
    for (const { path } of below) {
      const found = await files.status(`${from}/${path}`);
      const at = name === "" ? path : `${name}/${path}`;
      const original = first.get(found?.inode ?? "");
      if (found === undefined) leftOut.push({ path, why: "it went away meanwhile" });
      else if (original !== undefined) yield { kind: "hardlink", path: at, target: original };
      else {
        try {
          yield await tarEntry(files, `${from}/${path}`, at, found);
        } catch (error) {
          leftOut.push({ path, why: messageOf(error) });
          continue;
        }
        if (found.inode !== undefined) first.set(found.inode, at);
      }
      if (found !== undefined) count += 1;
    }
  }
  await feedScript(script, piped(packTar(entries()), counted(tell, bytes)));
  return { entries: count + (name === "" ? 0 : 1), bytes, leftOut };
}

/** Files that say that they are small are read at once: they may be of /proc, whose sizes are not true. */
const SMALL_BYTES = 1 << 16;

async function tarEntry(
  files: HostFiles,
  full: string,
  path: string,
  found: FileStatus,
): Promise<TarEntry> {
  const { mode, sizeBytes: size, modified, target } = found;
  const common = { path, mtimeSeconds: Math.floor(modified.getTime() / 1000) };
  switch (found.kind) {
    case "directory":
      return { ...common, kind: "directory", mode };
    case "symlink":
      return { ...common, kind: "symlink", target };
    default: {
      const file = { ...common, kind: "file", mode } as const;
      if (size <= SMALL_BYTES) return { ...file, content: await files.readBytes(full) };
      return {
        ...file,
        content: { size, open: () => Readable.from(upTo(size, files.readStream(full))) },
      };
    }
  }
}

/** What is written to a file after its size was taken is not copied. */
async function* upTo(size: number, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const chunk of content) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
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
