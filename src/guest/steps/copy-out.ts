import { normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ArchiveSource } from "../../archive/archive-source.js";
import { extractTar, type TarSink } from "../../archive/tar-extract.js";
import { KdockError, UnstorableError } from "../../core/errors.js";
import type { GuestSession } from "../../vm/agent/session.js";
import type { FolderFacts, HostFiles, TreeWriter } from "../../host/host.js";
import {
  copyTarget,
  type CopyTarget,
  nameOf,
  parentOf,
  type SourceKind,
  type TargetKind,
} from "../plan/copy-target.js";
import { noTar } from "./copy-in.js";
import { receiveGenerated } from "./copy-generated.js";
import type { ReceivedTree } from "./generated-reader.js";
import { counted, type CopyResult, type LeftOut, type Tell } from "./copy-progress.js";
import { GIVE_FILE, GIVE_GENERATED_FILE, GIVE_TREE, LOOK_AT_SOURCE } from "./copy-scripts.js";
import { watchSilence } from "./copy-silence.js";
import { askGuest, startScript } from "./guest-script.js";

/**
 * From the guest to the host, which does not trust it: everything arrives in a new folder beside the target, and is moved
 * to its place when it is whole. No link is followed on the way.
 */
export async function copyOut(
  files: HostFiles,
  session: GuestSession,
  from: string,
  to: string,
  tell: Tell,
): Promise<CopyResult> {
  const [what = "", tar, sizes = "", ...text] = await askGuest(session, LOOK_AT_SOURCE, from);
  const kind = sourceKind(what, from);
  const isGenerated = sizes === "generated";
  // A link's text may have several lines.
  const facts = text.join("\n").replace(/\n$/, "");
  const target = await targetOf(files, { path: from, kind }, to);
  if (kind === "directory" && tar !== "tar" && !isGenerated) throw noTar();
  const place =
    target.name === "" ? await files.realPath(target.folder) : `${target.folder}/${target.name}`;
  const temporary = await files.makeTemporary(`${target.folder}/.kdock-cp`, 0o700);
  try {
    const received = await receive(
      { files, session, temporary, tell },
      { kind, from, facts, isGenerated },
    ).catch((error: unknown) => {
      // The temporary path says nothing to anybody.
      if (!(error instanceof UnstorableError)) throw error;
      throw new UnstorableError(normalize(place), error.why, error);
    });
    // A folder that was there keeps what its owner gave it.
    const folders = received.folders.filter(({ path }) => path !== "" || !target.merges);
    await files.mergeInto(`${temporary}/${ARRIVED}`, place, folders);
    const { entries, bytes, leftOut } = received;
    return { from, to, entries, bytes, leftOut };
  } finally {
    await files.removeTree(temporary);
  }
}

const ARRIVED = "it";

function sourceKind(what: string, path: string): SourceKind {
  if (what === "file" || what === "directory" || what === "symlink") return what;
  if (what === "special") {
    throw new KdockError("usage", `${path} of the guest is a device, socket or pipe`, {
      hint: "What it says can be read: `kdock exec -- cat PATH`.",
    });
  }
  throw new KdockError("usage", `there is no ${path} in the guest`);
}

async function targetOf(
  files: HostFiles,
  source: { readonly path: string; readonly kind: SourceKind },
  to: string,
): Promise<CopyTarget> {
  const nested = await targetKind(files, `${to}/${nameOf(source.path)}`);
  return copyTarget(source, { path: to, kind: await targetKind(files, to), nested });
}

async function targetKind(files: HostFiles, path: string): Promise<TargetKind> {
  if (await files.isFolder(path)) return "directory";
  const there = await files.status(path);
  if (there?.kind === "symlink" && (await files.exists(path))) {
    // /dev/stdout is a file now and a pipe then, and another one for each process.
    if (there.target.startsWith("/proc/")) return "special";
    return await targetKind(files, await files.realPath(path));
  }
  if (there !== undefined) return there.kind === "other" ? "special" : "file";
  return (await files.isFolder(parentOf(path))) ? "nothing" : "no-parent";
}

interface Copying {
  readonly files: HostFiles;
  readonly session: GuestSession;
  /** A folder of ours. */
  readonly temporary: string;
  readonly tell: Tell;
}

interface Asked {
  readonly kind: SourceKind;
  readonly from: string;
  /** Mode, time and size ("644 1700000000 4711"), or a link's text. */
  readonly facts: string;
  readonly isGenerated: boolean;
}

async function receive(
  { files, session, temporary, tell }: Copying,
  { kind, from, facts, isGenerated }: Asked,
): Promise<ReceivedTree> {
  const one = { entries: 1, bytes: 0, folders: [], leftOut: [] };
  if (kind === "directory") {
    await files.makeFolder(`${temporary}/${ARRIVED}`);
    await using tree = await files.writeTree(`${temporary}/${ARRIVED}`);
    return isGenerated
      ? await receiveGenerated(session, from, tree, tell)
      : await receiveTree(session, from, tree, { facts, tell });
  }
  await using tree = await files.writeTree(temporary);
  if (kind === "symlink") {
    await tree.symlink(ARRIVED, facts);
    return one;
  }
  return { ...one, bytes: await receiveFile(session, from, tree, { facts, tell, isGenerated }) };
}

interface Told {
  readonly facts: string;
  readonly tell: Tell;
}

function numbersIn(facts: string): { mode: number; modified: Date; size: number } {
  const [mode = "755", seconds = "0", size = "0"] = facts.split(" ");
  return {
    ...{ mode: parseInt(mode, 8) & 0o777, size: Number(size) },
    modified: new Date(Number(seconds) * 1000),
  };
}

/** Resolves with the bytes that there were: what /proc has is longer than it says. */
async function receiveFile(
  session: GuestSession,
  from: string,
  tree: TreeWriter,
  { facts, tell, isGenerated }: Told & Pick<Asked, "isGenerated">,
): Promise<number> {
  const { mode, modified, size } = numbersIn(facts);
  const { command, done } = startScript(
    session,
    isGenerated ? GIVE_GENERATED_FILE : GIVE_FILE,
    from,
  );
  command.stdin.end();
  const counter = counted(tell, size || undefined);
  const watch = new AbortController();
  const silence = { fell: false };
  // Others do end, however long the disk or the network takes.
  if (isGenerated) {
    const watching = watchSilence(
      session,
      () => counter.bytes,
      watch.signal,
      () => {
        silence.fell = true;
        command.signal(SIGKILL);
        return Promise.resolve();
      },
    );
    watching.catch(() => undefined);
  }
  try {
    await pipeline(command.stdout, counter, await tree.file(ARRIVED, mode, modified));
    await done;
    return counter.bytes;
  } catch (error) {
    if (!silence.fell) throw error;
    throw new KdockError(
      "vm",
      `${from} of the guest does not end: it gave ${counter.bytes} bytes, and then waits`,
      {
        hint: `\`kdock exec -- dd bs=64k if=${from}\` shows what it has to say as it comes.`,
      },
    );
  } finally {
    watch.abort();
  }
}

const SIGKILL = 9;

async function receiveTree(
  session: GuestSession,
  from: string,
  tree: TreeWriter,
  { facts, tell }: Told,
): Promise<ReceivedTree> {
  const { mode, modified } = numbersIn(facts);
  const folders: FolderFacts[] = [{ path: "", mode, modified }];
  const leftOut: LeftOut[] = [];
  const { command, done } = startScript(session, GIVE_TREE, from);
  command.stdin.end();
  const { stdout } = command;
  let passed = 0;
  stdout.on("data", (chunk: Buffer) => {
    tell((passed += chunk.length), undefined);
  });
  const sink: TarSink = {
    file: (path, bits, time) => tree.file(path, bits, time),
    directory: async (path, bits, time) => {
      await tree.folder(path, bits);
      folders.push({ path, mode: bits, modified: time });
    },
    hardLink: (path, original) => tree.hardLink(path, original),
    symlink: (path, target) => tree.symlink(path, target),
    remove: (path) => tree.remove(path),
  };
  try {
    const entries = await extractTar(stdout, sink, {
      ...{ links: "as-text", names: "any", source: archiveOf(from) },
      onLeftOut: (path, why) => leftOut.push({ path: path.replace(/^\.\/|\/$/g, ""), why }),
    });
    await done;
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    return { entries: entries.length + 1, bytes, folders: folders.reverse(), leftOut };
  } catch (error) {
    // A tar that gave up has cut its archive short, and its own words say more.
    if (stdout.readableEnded) await done;
    command.signal(SIGKILL);
    throw error;
  }
}

function archiveOf(folder: string): ArchiveSource {
  return {
    subject: "the archive from the guest",
    code: "vm",
    hint: `Copy its subfolders one by one, or save the archive: \`kdock exec -- tar -cf - ${folder} > files.tar\`.`,
  };
}
