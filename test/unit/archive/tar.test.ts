import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { readTar } from "../../../src/archive/read-tar.js";
import { packTar, type TarEntry } from "../../../src/archive/tar.js";

const BIG = Buffer.alloc(300_000, "kdock");

const ENTRIES: readonly TarEntry[] = [
  { kind: "file", path: "b/run.sh", mode: 0o755, content: Buffer.from("#!/bin/sh\n") },
  { kind: "directory", path: "b", mode: 0o750, uid: 1000, gid: 100 },
  { kind: "symlink", path: "a", target: "b/run.sh" },
  {
    kind: "file",
    path: "b/big",
    mode: 0o600,
    mtimeSeconds: 1_700_000_000,
    content: { size: BIG.length, open: () => Readable.from([BIG.subarray(0, 7), BIG.subarray(7)]) },
  },
  { kind: "file", path: `b/${"é".repeat(120)}`, mode: 0o644, content: new Uint8Array() },
];

async function listed(tar: Readable): Promise<unknown[]> {
  const entries: unknown[] = [];
  await readTar(tar, async ({ name, type, mode, uid, gid, mtime, linkname }, content) => {
    const bytes = await buffer(content);
    const seconds = mtime.getTime() / 1000;
    entries.push([name, type, mode, uid, gid, seconds, linkname || "", bytes.length]);
  });
  return entries;
}

it("packTar packs files, folders and links in code-unit order", async () => {
  expect(await listed(packTar(ENTRIES))).toEqual([
    ["a", "symlink", 0o777, 0, 0, 0, "b/run.sh", 0],
    ["b", "directory", 0o750, 1000, 100, 0, "", 0],
    ["b/big", "file", 0o600, 0, 0, 1_700_000_000, "", BIG.length],
    ["b/run.sh", "file", 0o755, 0, 0, 0, "", 10],
    [`b/${"é".repeat(120)}`, "file", 0o644, 0, 0, 0, "", 0],
  ]);
});

it("packTar gives the same bytes for the same entries in any order", async () => {
  const one = await buffer(packTar(ENTRIES));
  const other = await buffer(packTar(Readable.from([...ENTRIES].reverse())));
  expect(other.equals(one)).toBe(true);
});

/** An endless generator. */
async function* endless(
  progress: { taken: number; isClosed: boolean },
  entry: (path: string) => TarEntry,
): AsyncGenerator<TarEntry> {
  try {
    for (;;) {
      await Promise.resolve();
      progress.taken += 1;
      yield entry(String(progress.taken).padStart(9, "0"));
    }
  } finally {
    progress.isClosed = true;
  }
}

it.each<[string, (path: string) => TarEntry]>([
  ["folders", (path) => ({ kind: "directory", path, mode: 0o755 })],
  ["links", (path) => ({ kind: "symlink", path, target: "x" })],
  ["empty files", (path) => ({ kind: "file", path, mode: 0o644, content: new Uint8Array() })],
  ["files", (path) => ({ kind: "file", path, mode: 0o644, content: Buffer.alloc(5000) })],
])("packTar reads sorted %s only as its reader needs them", async (_what, entry) => {
  const progress = { taken: 0, isClosed: false };
  const tar = packTar(endless(progress, entry), { isSorted: true });
  let bytes = 0;
  for await (const chunk of tar as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    await new Promise(setImmediate);
    if (bytes > 1e6) break;
  }
  const size = (await buffer(packTar([entry("x")]))).length - 1024;
  expect(progress.taken * size - bytes).toBeLessThan(200_000);
  await expect.poll(() => progress.isClosed).toBe(true);
});

it("packTar gives the same bytes for entries that are sorted already", async () => {
  const entries = [...ENTRIES].sort((a, b) => (a.path < b.path ? -1 : 1));
  const sorted = await buffer(packTar(entries, { isSorted: true }));
  expect(sorted.equals(await buffer(packTar(ENTRIES)))).toBe(true);
});

function fileOf(open: () => Readable): TarEntry {
  return { kind: "file", path: "f", mode: 0o644, content: { size: 100_000, open } };
}

it.each([
  ["too short", () => Readable.from([Buffer.alloc(99_999)]), "it has 99999 bytes, not 100000"],
  ["too long", () => Readable.from([Buffer.alloc(100_001)]), "it has 100001 bytes, not 100000"],
  [
    "broken",
    () =>
      new Readable({
        read() {
          this.destroy(new Error("disk error"));
        },
      }),
    "disk error",
  ],
])("packTar fails if a content is %s", async (_how, open, message) => {
  await expect(buffer(packTar([fileOf(open)]))).rejects.toThrow(message);
});

it("packTar fails if the entries do", async () => {
  async function* entries(): AsyncGenerator<TarEntry> {
    await Promise.resolve();
    yield { kind: "directory", path: "a", mode: 0o755 };
    throw new Error("no more");
  }
  await expect(buffer(packTar(entries()))).rejects.toThrow("no more");
});

it("packTar closes the current content if its reader is destroyed", async () => {
  const content = new Readable({
    read() {
      this.push(Buffer.alloc(1000));
    },
  });
  const tar = packTar([fileOf(() => content)]);
  for await (const chunk of tar) if (chunk) break;
  await expect.poll(() => content.destroyed).toBe(true);
});
