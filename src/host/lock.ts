import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { kill, pid } from "node:process";
import { KdockError } from "../core/errors.js";
import { codeOf, isMissing, writeError } from "./file-error.js";
import { fileMode, makeFolders } from "./make-folders.js";

interface Owner {
  /** Unique for every lock. */
  readonly id: string;
  readonly pid: number;
  /** Clock ticks since boot; distinguishes a process from a later one with the same pid. */
  readonly startTicks: string | undefined;
  readonly machine: string;
  /** ISO 8601 */
  readonly since: string;
}

/** See `HostFiles.lock`. `what` describes the holder in messages: "another build of this project". */
export async function lock(path: string, what: string): Promise<AsyncDisposable> {
  const owner = await thisProcess();
  try {
    await makeFolders(dirname(path));
    const holder = await take(path, owner);
    if (holder !== undefined) throw held(path, what, holder);
  } catch (error) {
    throw error instanceof KdockError ? error : writeError(path, error);
  }
  return {
    async [Symbol.asyncDispose]() {
      // A disposer never throws; a lock that stays is stale once this process has ended.
      if ((await ownerOf(path).catch(() => undefined))?.id === owner.id) {
        await rm(path, { force: true }).catch(() => undefined);
      }
    },
  };
}

/** See `HostFiles.isLocked`. */
export async function isLocked(path: string): Promise<boolean> {
  const owner = await ownerOf(path);
  return owner !== undefined && (await isAlive(owner));
}

/** Takes the lock; returns its holder if that is another live process. */
async function take(path: string, owner: Owner): Promise<Owner | undefined> {
  for (;;) {
    if (await create(path, owner)) return undefined;
    const holder = await ownerOf(path);
    // Released meanwhile.
    if (holder === undefined) continue;
    if (await isAlive(holder)) return holder;

    const replacer = await replaceStale(path, holder, owner);
    if (replacer !== "again") return replacer;
  }
}

/**
 * Replaces the lock of a process that has ended. If two processes did that at once, the second would remove the first one's new
 * lock: a second lock, named after the stale one, lets only one process replace it.
 */
async function replaceStale(
  path: string,
  dead: Owner,
  owner: Owner,
): Promise<Owner | undefined | "again"> {
  const guard = `${path}.after-${dead.id}`;
  const replacer = await take(guard, owner);
  if (replacer !== undefined) return replacer;
  try {
    // Another process may have replaced it before this one took the guard.
    if ((await ownerOf(path))?.id !== dead.id) return "again";
    const temporary = `${path}.${randomUUID()}`;
    await writeFile(temporary, JSON.stringify(owner), { mode: fileMode(path) });
    await rename(temporary, path);
    return undefined;
  } finally {
    await rm(guard, { force: true });
  }
}

/** A hard link is exclusive, and the file has its content at once: a rename is not exclusive, an open has no content. */
async function create(path: string, owner: Owner): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify(owner), { mode: fileMode(path) });
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const text = await readFile(path, "utf8");
    return parseOwner(text);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A file that is not a lock counts as stale. */
function parseOwner(text: string): Owner {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    if (typeof owner?.id === "string" && typeof owner.pid === "number") return owner as Owner;
  } catch {
    // Not a lock file of kdock.
  }
  return { id: "unknown", pid: 0, startTicks: undefined, machine: hostname(), since: "" };
}

async function isAlive(owner: Owner): Promise<boolean> {
  // Processes of another machine or container are not visible.
  if (owner.machine !== hostname()) return true;
  if (owner.pid <= 0) return false;
  try {
    kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  return owner.startTicks === undefined || owner.startTicks === (await startTicks(owner.pid));
}

async function thisProcess(): Promise<Owner> {
  const since = new Date().toISOString();
  return { id: randomUUID(), pid, startTicks: await startTicks(pid), machine: hostname(), since };
}

/** Field 22 of /proc/PID/stat; undefined without /proc. */
async function startTicks(of: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${of}/stat`, "utf8");
    // The second field is the program's name, which may hold blanks and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function held(path: string, what: string, { pid: holder, machine, since }: Owner): KdockError {
  const isHere = machine === hostname();
  const where = isHere ? "" : ` on ${machine}`;
  const message = `${what} is running (pid ${holder}${where}, since ${since})`;
  const hint = isHere
    ? `Wait for it to end, or end it with \`kill ${holder}\`.`
    : `Wait for it to end; if it does not run any more, remove ${path}.`;
  return new KdockError("environment", message, { hint });
}
