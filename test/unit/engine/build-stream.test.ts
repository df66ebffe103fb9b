import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readBuildStream } from "../../../src/engine/build-stream.js";

/** What engine 20.10 sent for two Dockerfiles. */
const recorded = (name: string) =>
  readFileSync(new URL(`../../fixtures/engine/${name}.ndjson`, import.meta.url));

/** The same bytes in pieces of a size that cuts records and characters. */
function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (bytes: Buffer, lines: string[], size = 100) =>
  readBuildStream(pieces(bytes, size), (line) => lines.push(line));

async function* pieces(bytes: Buffer, size: number) {
  await Promise.resolve();
  yield* inPieces(bytes, size);
}

const records = (...list: object[]) =>
  Buffer.from(list.map((record) => JSON.stringify(record)).join("\r\n"));

describe("a build's records", () => {
  it.each([1, 7, 100, 1_000_000])(
    "end with the image's id, in pieces of %i bytes",
    async (size) => {
      const lines: string[] = [];
      const id = await read(recorded("build-done"), lines, size);
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(lines).toContain("hello");
      expect(lines.filter((line) => line === "[2/2] RUN echo hello")).toHaveLength(1);
    },
  );

  it("that end in a failure reject with step, reason and that step's log only", async () => {
    const lines: string[] = [];
    await expect(read(recorded("build-failed"), lines)).rejects.toMatchObject({
      code: "build",
      message: [
        "[3/3] RUN echo bad && exit 3: executor failed running [/bin/sh -c echo bad && exit 3]: exit code: 3",
        "  bad",
      ].join("\n"),
    });
    expect(lines).toEqual(expect.arrayContaining(["hello", "onetwooops", "bad"]));
  });

  it("with a failure before any step reject with the engine's text", async () => {
    const text = "write /var/lib/docker/tmp/x: no space left on device";
    const stream = records({ errorDetail: { message: text }, error: text });
    await expect(read(stream, [])).rejects.toMatchObject({ code: "build", message: text });
  });

  it("that stop without an image are the engine's failure, not success", async () => {
    await expect(read(records({ id: "moby.buildkit.trace", aux: "" }), [])).rejects.toMatchObject({
      code: "engine",
    });
  });

  it("of an engine without BuildKit are understood as well", async () => {
    const lines: string[] = [];
    const id = await read(
      records({ stream: "STEP 1/2: FROM x\nhel" }, { stream: "lo\n" }, { aux: { ID: "sha256:1" } }),
      lines,
    );
    expect([id, lines]).toEqual(["sha256:1", ["STEP 1/2: FROM x", "hello"]]);
  });

  it("that are cut in the middle reject", async () => {
    const bytes = recorded("build-done");
    await expect(read(bytes.subarray(0, bytes.length / 2), [])).rejects.toThrow();
  });
});
