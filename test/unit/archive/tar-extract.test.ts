import { createHash } from "node:crypto";
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack, type Header } from "tar-stream";
import { expect, it } from "vitest";
import { readTar } from "../../../src/archive/read-tar.js";
import { extractTar, type TarSink } from "../../../src/archive/tar-extract.js";
import { packTar } from "../../../src/archive/tar.js";
import { KdockError, UnstorableError } from "../../../src/core/errors.js";

type Raw = Partial<Header> & { name: string; text?: string };

function rawTar(...entries: Raw[]): Readable {
  const tar = pack();
  for (const { text, ...header } of entries) {
    if (text === undefined) tar.entry(header);
    else tar.entry(header, text);
  }
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}

class MemorySink implements TarSink {
  readonly calls: string[] = [];

  file(path: string, mode: number): Promise<Writable> {
    this.calls.push(`file ${path} ${mode.toString(8)}`);
    return Promise.resolve(new PassThrough().resume());
  }

  directory(path: string, mode: number): Promise<void> {
    this.calls.push(`directory ${path} ${mode.toString(8)}`);
    return Promise.resolve();
  }

  hardLink(path: string, original: string): Promise<void> {
    this.calls.push(`hardlink ${path} = ${original}`);
    return Promise.resolve();
  }

  symlink(path: string, target: string): Promise<void> {
    this.calls.push(`symlink ${path} -> ${target}`);
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.calls.push(`remove ${path}`);
    return Promise.resolve();
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const root: Raw = { name: "out/", type: "directory", mode: 0o755 };

it("removes the leading folder and returns the written entries, in order of path", async () => {
  const sink = new MemorySink();
  const archive = rawTar(
    root,
    { name: "out/z", mode: 0o6755, text: "zz" },
    { name: "out/d/", type: "directory", mode: 0o700 },
    { name: "out/d/empty", mode: 0o600, text: "" },
    { name: "out/d/l", type: "symlink", linkname: "../z" },
    { name: "out/d/hard", type: "link", linkname: "out/z" },
  );
  expect(await extractTar(archive, sink)).toEqual([
    { path: "d", kind: "directory", mode: 0o700, size: 0, sha256: "", target: "" },
    { path: "d/empty", kind: "file", mode: 0o600, size: 0, sha256: sha256(""), target: "" },
    { path: "d/hard", kind: "file", mode: 0o755, size: 2, sha256: sha256("zz"), target: "" },
    { path: "d/l", kind: "symlink", mode: 0o644, size: 0, sha256: "", target: "../z" },
    { path: "z", kind: "file", mode: 0o755, size: 2, sha256: sha256("zz"), target: "" },
  ]);
  // Links last, hard links first.
  expect(sink.calls).toEqual([
    "file z 755",
    "directory d 700",
    "file d/empty 600",
    "hardlink d/hard = z",
    "symlink d/l -> ../z",
  ]);
});

const dir = (name: string): Raw => ({ name, type: "directory", mode: 0o755 });
const link = (name: string, linkname: string): Raw => ({ name, type: "symlink", linkname });

it.each<[string, Raw[]]>([
  ["an absolute path", [{ name: "/out/a", text: "" }]],
  ["a path that leaves", [{ name: "out/../a", text: "" }]],
  ["a path that leaves from below", [{ name: "out/x/../../y", text: "" }]],
  ["a leading folder that leaves", [{ name: "../a", text: "" }]],
  ["a path with a dot", [{ name: "out/./a", text: "" }]],
  ["a path with an empty part", [{ name: "out//a", text: "" }]],
  ["a path with a backslash", [{ name: "out\\..\\a", text: "" }]],
  ["a path with a NUL", [{ name: "out/a", text: "", pax: { path: "out/a\0b" } }]],
  ["a path with an escape sequence", [{ name: "out/\u001b[2J", text: "" }]],
  ["a path that is not UTF-8", [{ name: "out/a\ufffd", text: "" }]],
  ["a path without end", [{ name: `out/${"n".repeat(5000)}`, text: "" }]],
  ["a file where the folder was expected", [{ name: "out", text: "a" }]],
  ["a file twice", [root, { name: "out/a", text: "" }, { name: "out/a", text: "" }]],
  ["a folder in the place of a file", [{ name: "out/a", text: "" }, dir("out/a/")]],
  ["a link in the place of a folder", [dir("out/a/"), link("out/a", "b")]],
  [
    "a link in the place of a folder not named",
    [{ name: "out/a/b", text: "" }, link("out/a", "b")],
  ],
  ["a file below a link", [link("out/a", "b"), { name: "out/a/c", text: "" }]],
  [
    "a file below a file",
    [
      { name: "out/a", text: "" },
      { name: "out/a/c", text: "" },
    ],
  ],
  ["an absolute link", [link("out/a", "/etc/passwd")]],
  ["a link that leaves", [link("out/a", "..")]],
  ["a link that leaves from below", [dir("out/a/"), link("out/a/b", "../../etc")]],
  ["a link that turns back after a name", [link("out/here", "."), link("out/a", "here/..")]],
  ["a link to nothing", [link("out/a", "\0")]],
  ["a hard link to outside", [{ name: "out/a", type: "link", linkname: "../a" }]],
  ["a hard link to a missing file", [{ name: "out/a", type: "link", linkname: "out/b" }]],
  [
    "a hard link to a link",
    [link("out/b", "c"), { name: "out/a", type: "link", linkname: "out/b" }],
  ],
  ["a device", [{ name: "out/a", type: "character-device", devmajor: 1, devminor: 3 }]],
  ["a fifo", [{ name: "out/a", type: "fifo" }]],
])("rejects %s before it reaches the sink", async (_what, entries) => {
  const sink = new MemorySink();
  const failure = extractTar(rawTar(...entries), sink);
  await expect(failure).rejects.toBeInstanceOf(KdockError);
  await expect(failure).rejects.toMatchObject({
    code: "engine",
    message: expect.stringMatching(/^the archive from the container holds/) as string,
  });
  expect(sink.calls.length).toBeLessThan(entries.length);
});

it("rejects an archive with too many entries", async () => {
  const archive = rawTar(dir("out/"), dir("out/a/"), dir("out/b/"));
  await expect(extractTar(archive, new MemorySink(), { maxEntries: 2 })).rejects.toThrow(
    "more than 2 entries",
  );
});

async function bytes(): Promise<Buffer> {
  const content = Buffer.alloc(200_000, "x");
  return buffer(packTar([{ kind: "file", path: "out/a", mode: 0o644, content }]));
}

it.each([
  ["in a header", 100],
  ["in a content", 100_000],
  ["in the padding", 512 + 200_000 + 1],
  ["before the end mark", 512 + 200_192],
  ["in the end mark", 512 + 200_192 + 512],
  ["before anything came", 0],
])("rejects an archive that is truncated %s", async (_where, length) => {
  const archive = Readable.from([(await bytes()).subarray(0, length)]);
  await expect(extractTar(archive, new MemorySink())).rejects.toMatchObject({ code: "engine" });
});

it("rejects data that is not an archive", async () => {
  const archive = Readable.from([Buffer.alloc(5000, "x")]);
  await expect(extractTar(archive, new MemorySink())).rejects.toThrow(
    "the archive from the container is damaged",
  );
});

it("rejects with the archive's own error when it fails in the middle", async () => {
  const failure = new KdockError("interrupted", "interrupted");
  const start = (await bytes()).subarray(0, 100_000);
  const archive = new Readable({
    read() {
      if (this.readableLength === 0 && !this.readableDidRead) this.push(start);
      else this.destroy(failure);
    },
  });
  await expect(extractTar(archive, new MemorySink())).rejects.toBe(failure);
});

it("rejects when the archive is destroyed in the middle", async () => {
  const archive = new PassThrough();
  archive.write((await bytes()).subarray(0, 100_000));
  setImmediate(() => archive.destroy());
  await expect(extractTar(archive, new MemorySink())).rejects.toMatchObject({ code: "engine" });
});

it("rejects with the sink's error if a file cannot be opened, and destroys the archive", async () => {
  const archive = Readable.from([await bytes(), Buffer.alloc(10_000_000)], { objectMode: false });
  const sink = new MemorySink();
  sink.file = () => Promise.reject(new Error("no space"));
  await expect(extractTar(archive, sink)).rejects.toThrow("no space");
  expect(archive.destroyed).toBe(true);
});

it("rejects with the sink's error when a write fails", async () => {
  const sink = new MemorySink();
  sink.file = () =>
    Promise.resolve(
      new Writable({
        write(_chunk, _encoding, done) {
          done(new Error("no space"));
        },
      }),
    );
  await expect(extractTar(Readable.from([await bytes()]), sink)).rejects.toThrow("no space");
});

it("reads every byte if the archive has another listener", async () => {
  const archive = Readable.from([await bytes()]);
  let seen = 0;
  archive.on("data", (chunk: Buffer) => (seen += chunk.length));
  const [entry] = await extractTar(archive, new MemorySink());
  expect(entry).toMatchObject({ size: 200_000, sha256: sha256("x".repeat(200_000)) });
  expect(seen).toBe((await bytes()).length);
});

it("skips contents that the visitor of readTar leaves unread", async () => {
  const names: string[] = [];
  await readTar(
    rawTar({ name: "a", text: "x".repeat(9999) }, { name: "b", text: "y" }),
    (entry) => {
      names.push(entry.name);
      return Promise.resolve();
    },
  );
  expect(names).toEqual(["a", "b"]);
});

it("accepts dots and doubled slashes in a link's text", async () => {
  const sink = new MemorySink();
  const link = (linkname: string) => rawTar(root, { name: "out/a/b/l", type: "symlink", linkname });
  await extractTar(link(".././..//c"), sink);
  expect(sink.calls).toEqual(["symlink a/b/l -> .././..//c"]);
  await expect(extractTar(link(".././../../c"), sink)).rejects.toThrow("may be outside");
  await expect(extractTar(link("./c/../d"), sink)).rejects.toThrow("may be outside");
});

it("keeps the text of links with links: as-text, and writes through none", async () => {
  const sink = new MemorySink();
  const link = { name: "./l", type: "symlink", linkname: "/etc" } as const;
  const archive = rawTar({ name: "./", type: "directory" }, link);
  await extractTar(archive, sink, { links: "as-text" });
  expect(sink.calls).toEqual(["symlink l -> /etc"]);

  const hostile = rawTar(link, { name: "./l/passwd", text: "root::0:0" });
  await expect(extractTar(hostile, sink, { links: "as-text" })).rejects.toThrow(
    /below l, which is a symlink/,
  );
});

it("accepts all names with names: any, except unsafe paths", async () => {
  const sink = new MemorySink();
  const names = ["new\nline", "back\\slash", "-rf", "\u001b[2J"];
  const tar = (...paths: string[]) => rawTar(...paths.map((path) => ({ name: path, text: "" })));
  const archive = tar(...names.map((name) => `./${name}`));
  await extractTar(archive, sink, { names: "any" });
  expect(sink.calls).toEqual(names.map((name) => `file ${name} 644`));
  for (const [path, why] of [
    ["./../a\n", "not a safe path"],
    ["./a\ufffd", "not UTF-8"],
  ] as const) {
    await expect(extractTar(tar(path), sink, { names: "any" })).rejects.toThrow(why);
  }
});

it("creates links after all other entries, independent of the archive's order", async () => {
  const sink = new MemorySink();
  const archive = rawTar(
    root,
    link("out/x", "/elsewhere"),
    dir("out/X/"),
    { name: "out/X/file", text: "" },
    { name: "out/z", type: "link", linkname: "out/X/file" },
  );
  await extractTar(archive, sink, { links: "as-text" });
  expect(sink.calls).toEqual([
    "directory X 755",
    "file X/file 644",
    "hardlink z = X/file",
    "symlink x -> /elsewhere",
  ]);
});

it("extracts a hard link to a symbolic link as a symbolic link, with links: as-text", async () => {
  const sink = new MemorySink();
  const archive = rawTar(link("out/a", "/etc"), { name: "out/b", type: "link", linkname: "out/a" });
  await extractTar(archive, sink, { links: "as-text" });
  expect(sink.calls).toEqual(["symlink a -> /etc", "symlink b -> /etc"]);
});

it("leaves out entries that cannot be created, and calls onLeftOut", async () => {
  const sink = new MemorySink();
  const leftOut: string[] = [];
  const archive = rawTar(
    { name: "out/null", type: "character-device", devmajor: 1, devminor: 3 },
    { name: "out/pipe", type: "fifo" },
    { name: "out/a\ufffd", text: "a" },
    link("out/l", "b\ufffd"),
    { name: "out/b", text: "b" },
  );
  const extracted = await extractTar(archive, sink, {
    links: "as-text",
    onLeftOut: (name, why) => leftOut.push(`${name} ${why}`),
  });
  expect(extracted.map(({ path }) => path)).toEqual(["b"]);
  expect(sink.calls).toEqual(["file b 644"]);
  expect(leftOut).toEqual([
    "out/null which is a character-device",
    "out/pipe which is a fifo",
    "out/a\ufffd whose name is not UTF-8",
    "out/l whose link is not UTF-8",
  ]);
});

it("leaves out hard links to entries that were left out, and keeps others", async () => {
  const sink = new MemorySink();
  const leftOut: string[] = [];
  const archive = rawTar(
    { name: "./pipe", type: "fifo" },
    { name: "./pipe2", type: "link", linkname: "./pipe" },
    { name: "./pipe3", type: "link", linkname: "./pipe2" },
    { name: "./l", type: "symlink", linkname: "b\ufffd" },
    { name: "./l2", type: "link", linkname: "./l" },
    { name: "./b", text: "b" },
    { name: "./b2", type: "link", linkname: "./b" },
  );
  await extractTar(archive, sink, {
    ...{ links: "as-text", names: "any" },
    onLeftOut: (name, why) => leftOut.push(`${name} ${why}`),
  });
  expect(sink.calls).toEqual(["file b 644", "hardlink b2 = b"]);
  expect(leftOut).toEqual([
    "./pipe which is a fifo",
    './pipe2 which is a hard link to "pipe", which was left out',
    './pipe3 which is a hard link to "pipe2", which was left out',
    "./l whose link is not UTF-8",
    './l2 which is a hard link to "l", which was left out',
  ]);
});

/** A file system without colons in names, without links, and with files of 100 bytes at most. */
class PoorSink extends MemorySink {
  override async file(path: string, mode: number): Promise<Writable> {
    this.#named(path);
    await super.file(path, mode);
    let bytes = 0;
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done(bytes > 100 ? new UnstorableError(path, "it is too large", undefined) : undefined);
      },
    });
  }

  override async directory(path: string, mode: number): Promise<void> {
    this.#named(path);
    await super.directory(path, mode);
  }

  override async hardLink(path: string, original: string): Promise<void> {
    this.#named(path);
    await super.hardLink(path, original);
  }

  override symlink(path: string): Promise<void> {
    return Promise.reject(new UnstorableError(path, "there are no links", undefined));
  }

  #named(path: string): void {
    if (path.includes(":")) throw new UnstorableError(path, "there are no colons", undefined);
  }
}

function forPoor(): Readable {
  return rawTar(
    { name: "./c:d/", type: "directory" },
    { name: "./c:d/e", text: "e" },
    { name: "./big", text: "x".repeat(200_000) },
    { name: "./big2", type: "link", linkname: "./big" },
    { name: "./l", type: "symlink", linkname: "b" },
    { name: "./b", text: "b" },
    { name: "./b:2", type: "link", linkname: "./b" },
    { name: "./b3", type: "link", linkname: "./b:2" },
    { name: "./z", text: "z" },
  );
}

it("leaves out entries that the sink's file system does not support, and extracts the rest", async () => {
  const sink = new PoorSink();
  const leftOut: string[] = [];
  const extracted = await extractTar(forPoor(), sink, {
    ...{ links: "as-text", names: "any" },
    onLeftOut: (name, why) => leftOut.push(`${name} ${why}`),
  });
  expect(extracted.map(({ path }) => path)).toEqual(["b", "z"]);
  expect(sink.calls).toEqual(["file big 644", "remove big", "file b 644", "file z 644"]);
  expect(leftOut).toEqual([
    "./c:d/ there are no colons",
    "./c:d/e there are no colons",
    "./big it is too large",
    './big2 which is a hard link to "big", which was left out',
    "./b:2 there are no colons",
    './b3 which is a hard link to "b:2", which was left out',
    "./l there are no links",
  ]);
});

it("rejects with the UnstorableError without onLeftOut", async () => {
  const archive = rawTar({ name: "./c:d/", type: "directory" });
  const extracting = extractTar(archive, new PoorSink(), { links: "as-text", names: "any" });
  await expect(extracting).rejects.toThrow("cannot write c:d: there are no colons");
});

it.each<[string, () => Readable, string]>([
  ["is damaged", () => Readable.from([Buffer.alloc(5000, "x")]), "the guest's tar is damaged: "],
  ["has too much", () => rawTar(root, dir("out/a")), "the guest's tar holds more than 1 entries"],
  [
    "is hostile",
    () => rawTar({ name: "/a", text: "" }),
    'the guest\'s tar holds "/a" which is not a safe',
  ],
  [
    "lies about links",
    () => rawTar({ name: "out/a", type: "link", linkname: "out/b" }),
    "the guest's tar holds",
  ],
])(
  "an error of an archive that %s names its source, with its code and hint",
  async (_how, archive, message) => {
    const source = { subject: "the guest's tar", code: "vm", hint: "Copy less." } as const;
    const extracting = extractTar(archive(), new MemorySink(), { source, maxEntries: 1 });
    await expect(extracting).rejects.toMatchObject({
      ...{ code: "vm", hint: "Copy less." },
      message: expect.stringContaining(message) as string,
    });
  },
);

it("rejects an entry with a wrong size, also with onLeftOut", async () => {
  const archive = rawTar({ name: "out/../a", text: "" });
  const extracting = extractTar(archive, new MemorySink(), { onLeftOut: () => undefined });
  await expect(extracting).rejects.toThrow("which is not a safe path");
});
