import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Receiver } from "./host.js";

/** A socket's name must not be longer, on any system that kdock runs on: the smallest sun_path has 104 bytes. */
const MAX_BYTES = 103;

/**
 * See Host. The folder with the socket lies in one that is ours alone: whoever it is not given to cannot get there, and
 * whoever it is given to, as whichever user, can connect.
 */
export async function receive(outer: string): Promise<Receiver | undefined> {
  const folder = `${outer}/in`;
  const socket = `${folder}/socket`;
  if (Buffer.byteLength(socket) > MAX_BYTES) return undefined;
  const server = createServer();
  const forget = async () => {
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
    await forget().catch(() => undefined);
    return undefined;
  }
  let caller: Socket | undefined;
  let isDecided = false;
  let call: () => void = () => undefined;
  const called = new Promise<void>((resolve) => (call = resolve));
  server.on("connection", (connection) => {
    connection.on("error", () => undefined);
    if (isDecided || caller !== undefined) connection.destroy();
    else {
      caller = connection.pause();
      call();
    }
  });
  return {
    folder,
    called,
    caller(): Readable | undefined {
      isDecided = true;
      server.close();
      return caller;
    },
    async [Symbol.asyncDispose]() {
      caller?.destroy();
      await forget();
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}
