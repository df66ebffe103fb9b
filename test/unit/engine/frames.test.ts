import { describe, expect, it } from "vitest";
import { mergedOutput, outputPieces } from "../../../src/engine/frames.js";

function frame(channel: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(channel, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

async function* pieces(bytes: Buffer, size: number) {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const stream = Buffer.concat([
  frame(1, "hello "),
  frame(2, "oops"),
  frame(1, ""),
  frame(1, "x".repeat(70_000)),
]);

describe("frames", () => {
  it.each([1, 3, 8, 9, 4096, 1_000_000])("are taken apart in pieces of %i bytes", async (size) => {
    const out = { stdout: "", stderr: "" };
    for await (const { channel, bytes } of outputPieces(pieces(stream, size))) {
      out[channel] += Buffer.from(bytes).toString();
    }
    expect(out).toEqual({ stdout: `hello ${"x".repeat(70_000)}`, stderr: "oops" });
  });

  it("merge in order", async () => {
    let text = "";
    for await (const bytes of mergedOutput(pieces(stream, 10), false)) {
      text += Buffer.from(bytes).toString();
    }
    expect(text.slice(0, 11)).toBe("hello oopsx");
  });

  it.each([4, 12, stream.length - 1])("cut after %i bytes are an error", async (length) => {
    const read = async () => {
      const channels = new Set<string>();
      for await (const { channel } of outputPieces(pieces(stream.subarray(0, length), 64))) {
        channels.add(channel);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "engine" });
  });
});
