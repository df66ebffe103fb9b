import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../../support/kdock.js";

const [HELLO, EXEC, R_HELLO, R_STDOUT] = [1, 2, 129, 130];

function frame(type: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(type, 0);
  head.writeUInt16LE(id, 2);
  head.writeUInt32LE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

/** Connects as soon as the socket is there. */
async function connect(path: string): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path);
    const outcome = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(
        () => false,
        () => false,
      ),
    ]);
    if (outcome) return socket;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let folder: string;
let mux: ChildProcess;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-mux-"));
});
afterEach(async () => {
  mux.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

const peakKiB = async () =>
  Number(/VmHWM:\s*(\d+)/.exec(await readFile(`/proc/${mux.pid}/status`, "utf8"))?.[1]);

it("a guest that sends what nobody has read or acknowledged loses its client, and no memory is lost to it", async () => {
  const [agentPath, monitorPath, listenPath] = ["port", "monitor", "agent"].map((name) =>
    join(folder, `${name}.sock`),
  ) as [string, string, string];
  const port = createServer().listen(agentPath);
  const monitor = createServer((socket) => socket.resume()).listen(monitorPath);
  const agentComes = once(port, "connection") as Promise<[Socket]>;
  const script = `${ROOT}images/vm/guest-mux.pl`;
  mux = spawn("perl", [script, listenPath, agentPath, monitorPath], { stdio: "ignore" });
  const [agent] = await agentComes;
  agent.on("error", () => undefined);
  const [greeting] = (await once(agent, "data")) as [Buffer];
  const nonce = greeting.readUInt32LE(12);
  agent.resume();
  agent.write(frame(R_HELLO, 0, Buffer.concat([numbers(2, nonce, 0), Buffer.from("6.12")])));

  const client = await connect(listenPath);
  client.on("error", () => undefined);
  client.write(frame(HELLO, 0, Buffer.concat([numbers(2, 7), Buffer.from("kdock hello\n")])));
  client.write(frame(EXEC, 1, Buffer.from("x")));
  client.pause();
  // The command has reached the agent, which from now on never stops.
  await once(agent, "data");
  const flood = frame(R_STDOUT, 1, Buffer.alloc(65_536));
  let sent = 0;
  const lost = once(mux, "exit").then(() => "the multiplexer ended");
  for (; sent < 256 << 20; sent += flood.length) {
    if (agent.write(flood)) continue;
    const drained = await Promise.race([once(agent, "drain").then(() => "drained"), lost]);
    expect(drained).toBe("drained");
  }
  expect(await peakKiB()).toBeLessThan(64 * 1024);
  client.resume();
  await once(client, "close");
  for (const each of [agent, client]) each.destroy();
  for (const each of [port, monitor]) each.close();
});
