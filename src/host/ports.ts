import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { codeOf } from "./file-error.js";

/** "0A" in /proc/net/tcp */
const LISTENING = "0A";

/**
 * False only if the port is in use. True for a port that this user may not open, and an address that this machine does not have:
 * the engine may have more privileges, or run on another machine.
 */
export async function portIsFree(address: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => {
      resolve(codeOf(error) !== "EADDRINUSE");
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

export async function portOwner(port: number): Promise<string | undefined> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map(readOrEmpty));
  const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)));
  if (sockets.size === 0) return undefined;
  for (const pid of (await namesIn("/proc")).filter((name) => /^\d+$/.test(name))) {
    if (!(await holdsOneOf(pid, sockets))) continue;
    return `${(await readOrEmpty(`/proc/${pid}/comm`)).trim()} (pid ${pid})`;
  }
  // A process of another user or container.
  return undefined;
}

function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = "", , state] = fields;
    return state === LISTENING && local.endsWith(wanted) ? [`socket:[${fields[9] ?? ""}]`] : [];
  });
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const name of await namesIn(folder)) {
    if (sockets.has(await readlink(`${folder}/${name}`).catch(() => ""))) return true;
  }
  return false;
}

function readOrEmpty(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
