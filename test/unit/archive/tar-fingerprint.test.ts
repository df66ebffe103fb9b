import { Readable } from "node:stream";
import { type Header, pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { installedPackages } from "../../../src/archive/installed-packages.js";
import { tarFingerprint } from "../../../src/archive/tar-fingerprint.js";

type Entry = readonly [header: Partial<Header> & { name: string }, content?: string];

function archive(entries: readonly Entry[]): Readable {
  const tar = pack();
  for (const [header, content] of entries) {
    tar.entry({ mtime: new Date(1000), mode: 0o644, uid: 0, gid: 0, ...header }, content ?? "");
  }
  tar.finalize();
  return tar as unknown as Readable;
}

const FOLDER: Entry = [{ name: "./etc/", type: "directory", mode: 0o755 }];
const FILE: Entry = [{ name: "./etc/motd" }, "hello"];
const LINK: Entry = [{ name: "./bin", type: "symlink", linkname: "usr/bin" }];
const plain = [FOLDER, FILE, LINK];

describe("tarFingerprint", () => {
  it("is the same for the same tree, independent of order and spelling of names", async () => {
    const other: Entry[] = [
      [{ name: "bin", type: "symlink", linkname: "usr/bin" }],
      [{ name: "etc/motd" }, "hello"],
      [{ name: "etc", type: "directory", mode: 0o755 }],
    ];
    expect(await tarFingerprint(archive(other))).toBe(await tarFingerprint(archive(plain)));
  });

  it("does not depend on the mirror", async () => {
    const mirrors: Entry[] = [
      [{ name: "./etc/apt/sources.list" }, "deb one"],
      [{ name: "./etc/apt/sources.list.d/two.sources" }, "two"],
    ];
    expect(await tarFingerprint(archive([...plain, ...mirrors]))).toBe(
      await tarFingerprint(archive(plain)),
    );
  });

  it.each<[string, Entry[]]>([
    ["a content", [FOLDER, [{ name: "./etc/motd" }, "hullo"], LINK]],
    ["a mode", [FOLDER, [{ name: "./etc/motd", mode: 0o4755 }, "hello"], LINK]],
    ["an owner", [FOLDER, [{ name: "./etc/motd", uid: 1 }, "hello"], LINK]],
    ["a group", [FOLDER, [{ name: "./etc/motd", gid: 1 }, "hello"], LINK]],
    ["a date", [FOLDER, [{ name: "./etc/motd", mtime: new Date(2000) }, "hello"], LINK]],
    ["a link", [FOLDER, FILE, [{ name: "./bin", type: "symlink", linkname: "usr/sbin" }]]],
    ["a type", [FOLDER, FILE, [{ name: "./bin", type: "directory" }]]],
    ["a name", [FOLDER, [{ name: "./etc/issue" }, "hello"], LINK]],
    ["what is there", [FOLDER, FILE]],
  ])("differs with %s", async (_what, entries) => {
    expect(await tarFingerprint(archive(entries))).not.toBe(await tarFingerprint(archive(plain)));
  });

  it("rejects a truncated archive", async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive(plain) as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const half = Buffer.concat(chunks).subarray(0, 1200);
    await expect(tarFingerprint(Readable.from([half]))).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining("the archive from mmdebstrap is damaged") as string,
    });
  });
});

describe("installedPackages", () => {
  it("reads dpkg's database, without removed packages", async () => {
    const status = [
      "Package: bash\nStatus: install ok installed\nVersion: 5.2.37-2\nDescription: a shell\n Version: no\n",
      "Package: removed\nStatus: deinstall ok config-files\nVersion: 1\n",
      "Package: zlib1g\nEssential: yes\nStatus: hold ok installed\nVersion: 1:1.3+b1\n",
    ].join("\n");
    const tar = archive([FILE, [{ name: "./var/lib/dpkg/status" }, status]]);
    expect(await installedPackages(tar)).toEqual({ bash: "5.2.37-2", zlib1g: "1:1.3+b1" });
  });

  it("is empty without a database", async () => {
    expect(await installedPackages(archive(plain))).toEqual({});
  });
});
