import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  dapMessages,
  encodeDap,
  withPaths,
  type DapMessage,
} from "../../../../src/debug/dap/frames.js";

async function read(...chunks: readonly (string | Buffer)[]): Promise<DapMessage[]> {
  const messages: DapMessage[] = [];
  const bytes = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const message of dapMessages(bytes)) messages.push(message);
  return messages;
}

describe("messages", () => {
  const paused = { seq: 1, type: "event", event: "stopped", body: { text: "ünï" } };
  const asked = { seq: 2, type: "request", command: "threads" };
  const both = Buffer.concat([encodeDap(paused), encodeDap(asked)]);

  it.each([
    ["in one piece", [both]],
    ["byte by byte", [...both].map((byte) => Buffer.from([byte]))],
  ])("arrive %s", async (_how, chunks) => {
    expect(await read(...chunks)).toEqual([paused, asked]);
  });

  it("may have other headers", async () => {
    const text = "Content-Type: x\r\ncontent-length: 2\r\n\r\n{}";
    expect(await read(text)).toEqual([{}]);
  });

  it.each([
    ["another protocol", "GET / HTTP/1.1\r\n\r\n"],
    ["no JSON", "Content-Length: 3\r\n\r\n{,}"],
    ["more than anybody says", "Content-Length: 999999999999\r\n\r\n{}"],
  ])("are refused when they are %s", async (_what, text) => {
    await expect(read(text)).rejects.toMatchObject({ code: "usage" });
  });
});

describe("paths", () => {
  it("move wherever they stand, and nothing else does", () => {
    const message = {
      seq: 1,
      type: "response",
      command: "/src/not-a-path",
      body: {
        stackFrames: [
          { source: { path: "/src/net/ipv4/tcp.c" } },
          { source: { path: "/build/x.h" } },
        ],
        other: { path: "/src-too/a.c" },
      },
    };
    expect(withPaths(message, "/src", "/home/me/linux")).toEqual({
      seq: 1,
      type: "response",
      command: "/src/not-a-path",
      body: {
        stackFrames: [
          { source: { path: "/home/me/linux/net/ipv4/tcp.c" } },
          { source: { path: "/build/x.h" } },
        ],
        other: { path: "/src-too/a.c" },
      },
    });
  });
});
