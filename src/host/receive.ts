import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Receiver } from "./host.js";

/** Limit of a socket's path on all systems that kdock runs on: the smallest sun_path has 104 bytes, with a NUL. */
const MAX_BYTES = 103;

/**
 * See Host. The socket is open to every user, but its folder is inside a private one: only a container that the folder is mounted
 * into can connect.
 */
export async function receive(outer: string): Promise<Receiver | undefined> {
  const folder = `${outer}/in`;
  const socket = `${folder}/socket`;
  if (Buffer.byteLength(socket) > MAX_BYTES) return undefined;
  const server = createServer();
  const cleanUp = async () => {
    server.close();
    await rm(outer, { recursive: true, force: true });
  };
  try {
    await rm(outer, { recursive: true, force: true });
    await mkdir(outer, { recursive: true, mode: 0o700 });
    await mkdir(folder);
    await chmod(folder, 0o755);
    await listening(server, socket);
    await chmod(socket, 0o666);
  } catch {
    await cleanUp().catch(() => undefined);
    return undefined;
  }
  let first: Socket | undefined;
  let isDecided = false;
  let onConnected: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => (onConnected = resolve));
  server.on("connection", (connection) => {
    connection.on("error", () => undefined);
    if (isDecided || first !== undefined) connection.destroy();
    else {
      first = connection.pause();
      onConnected();
    }
  });
  return {
    folder,
    connected,
    connection(): Readable | undefined {
      isDecided = true;
      server.close();
      return first;
    },
    async [Symbol.asyncDispose]() {
      first?.destroy();
      await cleanUp();
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}
