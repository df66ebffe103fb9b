import { describe, expect, it } from "vitest";
import { withTag } from "../../../src/engine/image-text.js";
import { readPullStream } from "../../../src/engine/pull-stream.js";

async function* records(...list: object[]) {
  await Promise.resolve();
  for (const record of list) yield Buffer.from(`${JSON.stringify(record)}\r\n`);
}

const downloading = (id: string, current: number, total: number) => ({
  status: "Downloading",
  progressDetail: { current, total },
  id,
});

describe("a pull's records", () => {
  it("add up to the progress of all layers", async () => {
    const progress: [number, number][] = [];
    const lines: string[] = [];
    const body = records(
      { status: "Pulling from library/debian", id: "trixie" },
      { status: "Pulling fs layer", progressDetail: {}, id: "a" },
      downloading("a", 10, 100),
      downloading("b", 5, 50),
      downloading("a", 100, 100),
      { status: "Extracting", progressDetail: { current: 1, total: 9 }, id: "a" },
      { status: "Status: Downloaded newer image for debian:trixie" },
    );
    const onProgress = (done: number, total: number) => progress.push([done, total]);
    await readPullStream(body, { onProgress, onLine: (line) => lines.push(line) });
    expect(progress).toEqual([
      [10, 100],
      [15, 150],
      [105, 150],
    ]);
    expect(lines).toEqual([
      "trixie: Pulling from library/debian",
      "a: Pulling fs layer",
      "Status: Downloaded newer image for debian:trixie",
    ]);
  });

  it("that say error are an engine error", async () => {
    const body = records(
      { status: "Pulling" },
      { errorDetail: { message: "toomany" }, error: "toomany" },
    );
    await expect(readPullStream(body, {})).rejects.toMatchObject({
      code: "engine",
      message: "toomany",
    });
  });
});

it.each([
  ["debian", "debian:latest"],
  ["debian:trixie", "debian:trixie"],
  ["host:5000/debian", "host:5000/debian:latest"],
  ["debian@sha256:00", "debian@sha256:00"],
])("%s is pulled as %s", (ref, tagged) => {
  expect(withTag(ref)).toBe(tagged);
});
