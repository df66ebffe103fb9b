import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, it } from "vitest";
import { exchange } from "../../../src/host/exchange.js";

const NEVER_ABORTED = new AbortController().signal;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function tcp(greet: (say: (text: string) => void) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    greet((text) => socket.end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function udp(
  answer: string | undefined,
  onCall: () => void = () => undefined,
): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (_, { port, address }) => {
    onCall();
    if (answer !== undefined) socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  closers.push(() => socket.close());
  return socket.address().port;
}

/** A limit that no answer reaches on a busy machine. */
const LIMIT_MS = 60_000;

const call = (protocol: "tcp" | "udp", port: number, signal = NEVER_ABORTED, limitMs = LIMIT_MS) =>
  exchange({ protocol, address: "127.0.0.1", port }, limitMs, signal);

it("exchange receives data, with TCP and with UDP", async () => {
  for (const [protocol, port] of [
    [
      "tcp",
      await tcp((say) => {
        say("hello");
      }),
    ],
    ["udp", await udp("hello")],
  ] as const) {
    const { text, ms, error } = await call(protocol, port);
    expect({ text, error }, protocol).toEqual({ text: "hello", error: undefined });
    expect(ms).toBeGreaterThan(0);
  }
});

it("exchange ends at the time limit without an answer", async () => {
  const silent = { text: "", ms: undefined, error: "no answer in 0.3 s" };
  expect(await call("tcp", await tcp(() => undefined), NEVER_ABORTED, 300)).toEqual(silent);
  expect(await call("udp", await udp(undefined), NEVER_ABORTED, 300)).toEqual(silent);
});

it("exchange reports why a connection failed", async () => {
  const port = await tcp(() => undefined);
  for (const close of closers.splice(0)) close();
  expect((await call("tcp", port)).error).toContain("ECONNREFUSED");
});

it("exchange ends when interrupted", async () => {
  const interrupt = new AbortController();
  const called = () => {
    interrupt.abort();
  };
  expect((await call("tcp", await tcp(called), interrupt.signal)).error).toBe("interrupted");
  const again = new AbortController();
  const port = await udp(undefined, () => {
    again.abort();
  });
  expect((await call("udp", port, again.signal)).error).toBe("interrupted");
});

it("exchange does not start if the signal is aborted already", async () => {
  const signal = AbortSignal.abort();
  for (const protocol of ["tcp", "udp"] as const) {
    const port = protocol === "tcp" ? await tcp(() => undefined) : await udp(undefined);
    expect(await exchange({ protocol, address: "127.0.0.1", port }, 60_000, signal)).toMatchObject({
      error: "interrupted",
    });
  }
});
