import { pipeline } from "node:stream/promises";
import { extractTar } from "../archive/tar-extract.js";
import { KdockError } from "../errors.js";
import type { GuestSession } from "../guest/session.js";
import type { HostFiles } from "../host/host.js";
import {
  copyTarget,
  type CopyTarget,
  nameOf,
  parentOf,
  type SourceKind,
  type TargetKind,
} from "../plan/copy-target.js";
import { noTar } from "./copy-in.js";
import { counted, type CopyResult, type Tell } from "./copy-progress.js";
import { GIVE_FILE, GIVE_TREE, LOOK_AT_SOURCE } from "./copy-scripts.js";
import { askGuest, type GuestScript, startScript } from "./guest-script.js";

type Copied = Pick<CopyResult, "entries" | "bytes">;

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
  const [what = "", tar, facts = ""] = await askGuest(session, LOOK_AT_SOURCE, from);
  const kind = sourceKind(what, from);
  const target = await targetOf(files, { path: from, kind }, to);
  if (kind === "directory" && tar !== "tar") throw noTar();
  const place = `${target.folder}/${target.name}`;
  const temporary = await files.makeTemporary(`${target.folder}/.kdock-cp`);
  try {
    const copied = await receive(files, session, { kind, from, facts }, `${temporary}/it`, tell);
    await files.mergeInto(`${temporary}/it`, target.name === "" ? target.folder : place);
    for (const { path, mode } of copied.folders) {
      // A folder that was there keeps what its owner gave it.
      if (path !== "" || !target.merges) await files.setMode(`${place}/${path}`, mode);
    }
    return { from, to, entries: copied.entries, bytes: copied.bytes };
  } finally {
    await files.remove(temporary);
  }
}

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

interface Received extends Copied {
  /** Innermost first: one that may not be written to is the last to become so. "" is the copied folder itself. */
  readonly folders: readonly { readonly path: string; readonly mode: number }[];
}

interface Asked {
  readonly kind: SourceKind;
  readonly from: string;
  /** Mode, time and size ("644 1700000000 4711"), or a link's text. */
  readonly facts: string;
}

async function receive(
  files: HostFiles,
  session: GuestSession,
  { kind, from, facts }: Asked,
  to: string,
  tell: Tell,
): Promise<Received> {
  if (kind === "symlink") {
    await files.makeSymlink(facts, to);
    return { entries: 1, bytes: 0, folders: [] };
  }
  const script = kind === "file" ? GIVE_FILE : GIVE_TREE;
  const running = startScript(session, script, from);
  const { command, done } = running;
  command.stdin.end();
  const [mode = "755", seconds = "0", size = "0"] = facts.split(" ");
  const bits = parseInt(mode, 8) & 0o777;
  if (kind === "directory") {
    const received = await receiveTree(files, running, to, tell);
    return { ...received, folders: [...received.folders, { path: "", mode: bits }] };
  }
  // What /proc has is longer than it says.
  const counter = counted(tell, Number(size) || undefined);
  const file = await files.writeStream(to, bits, new Date(Number(seconds) * 1000));
  await pipeline(command.stdout, counter, file);
  await done;
  return { entries: 1, bytes: counter.bytes, folders: [] };
}

const SIGKILL = 9;

async function receiveTree(
  files: HostFiles,
  { command, done }: GuestScript,
  to: string,
  tell: Tell,
): Promise<Received> {
  const folders: { path: string; mode: number }[] = [];
  await files.makeFolder(to);
  const { stdout } = command;
  let passed = 0;
  stdout.on("data", (chunk: Buffer) => {
    tell((passed += chunk.length), undefined);
  });
  const sink = {
    file: (path: string, mode: number, modified: Date | undefined) =>
      files.writeStream(`${to}/${path}`, mode, modified),
    directory: async (path: string, mode: number) => {
      await files.makeFolder(`${to}/${path}`);
      folders.push({ path, mode });
    },
    symlink: (path: string, target: string) => files.makeSymlink(target, `${to}/${path}`),
  };
  try {
    const entries = await extractTar(stdout, sink, { links: "as-text", names: "any" });
    await done;
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    return { entries: entries.length + 1, bytes, folders: folders.reverse() };
  } catch (error) {
    // A tar that gave up has cut its archive short, and its own words say more.
    if (stdout.readableEnded) await done;
    command.signal(SIGKILL);
    throw error;
  }
}
