import { pipeline } from "node:stream";
import { packTar, type TarEntry } from "../archive/tar.js";
import { KdockError } from "../errors.js";
import type { GuestSession } from "../guest/session.js";
import type { FileStatus, HostFiles } from "../host/host.js";
import { copyTarget, type CopyTarget, nameOf, type TargetKind } from "../plan/copy-target.js";
import { counted, type CopyResult, type Tell } from "./copy-progress.js";
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
      return { from, to, entries: 1, bytes: 0 };
    }
    case "file": {
      const { mode, modified, sizeBytes } = source;
      const time = Math.floor(modified.getTime() / 1000);
      const facts = [mode.toString(8), String(time)];
      const script = startScript(session, TAKE_FILE, folder, name, ...facts);
      const counter = counted(tell, sizeBytes);
      await feedScript(script, piped(files.readStream(from), counter));
      return { from, to, entries: 1, bytes: counter.bytes };
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
): Promise<Pick<CopyResult, "entries" | "bytes">> {
  const root = (await files.status(from.endsWith("/") ? `${from}.` : from)) ?? { mode: 0o755 };
  const below = await files.tree(from);
  const bytes = below.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const script = merges
    ? startScript(session, MERGE_TREE, folder)
    : startScript(session, TAKE_TREE, folder, name);
  async function* entries(): AsyncGenerator<TarEntry> {
    if (name !== "") yield { kind: "directory", path: name, mode: root.mode };
    for (const { path } of below) {
      const found = await files.status(`${from}/${path}`);
      if (found === undefined) continue;
      const at = name === "" ? path : `${name}/${path}`;
      yield tarEntry(files, `${from}/${path}`, at, found);
    }
  }
  await feedScript(script, piped(packTar(entries()), counted(tell, bytes)));
  return { entries: below.length + (name === "" ? 0 : 1), bytes };
}

function tarEntry(files: HostFiles, full: string, path: string, found: FileStatus): TarEntry {
  const { mode, sizeBytes: size, modified, target } = found;
  const common = { path, mtimeSeconds: Math.floor(modified.getTime() / 1000) };
  switch (found.kind) {
    case "directory":
      return { ...common, kind: "directory", mode };
    case "symlink":
      return { ...common, kind: "symlink", target };
    default:
      return {
        ...{ ...common, kind: "file", mode },
        content: { size, open: () => files.readStream(full) },
      };
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
