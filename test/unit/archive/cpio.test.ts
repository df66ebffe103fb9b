import { gunzipSync } from "node:zlib";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { packCpio, type CpioEntry } from "../../../src/archive/cpio.js";
import { KdockError } from "../../../src/core/errors.js";

/**
 * What GNU cpio 2.13 made of these entries, all of them touched to 1970:
 * `find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0 | gzip -9n | base64`
 * No folder has a folder in it, because cpio before 2.14 counts those as links.
 */
const GOLDEN = [
  "H4sIAAAAAAACA+2VTW6DMBCF5yq5QGzzE2AJJJEqdRX1AhBcJSqFKqE/2eUIPUH3OURXOVB7hDagWPaoqDYNG9S3wBs8n95o5pl6",
  "1KOMSnJYTFtk0W4S9xKgMq8+fRY6LfdYR76ol4xTAGAWqFyr8TmbXtinxM0AMe3TJ2TzuabXQJM5kZgkh/GYHA8kSbeY7xj2mhl7",
  "JnWvMdftu9fpusDMiaFXR5MZSExyWz5uAJJ0mSlsr2YHrX679tmX2WXBvz2/YN++oW9bkx3K7Gq14fzkW2UHDdunF95lxXf1XP60",
  "z2HfM5bxJ9zrqC6s77dNLvo/lphkWRbbMueYHTfsaPInNjv7E5kUyeyq2lmuC5g9NZwxappj/P6h2qnMmWF2eoa9p/m6uAM4b5bC",
  "nvczW7HIkmIgUuekOQzmxNWb2cAaWt/IYAZgxfO8RHnBWE95Id6u4wFnFLN6Yop6H+9vmGn3xBR78fm636Ms/j3hu0m8AzeL8Op6",
  "thiNRvCvQeoLsLp9bAAOAAA=",
].join("");

const LONG = "n".repeat(200);

function file(path: string, text: string, mode = 0o644): CpioEntry {
  return { kind: "file", path, mode, content: Buffer.from(text) };
}

function folder(path: string, mode = 0o755): CpioEntry {
  return { kind: "directory", path, mode };
}

function device(path: string, mode: number, major: number, minor: number): CpioEntry {
  return { kind: "character-device", path, mode, major, minor };
}

const ENTRIES: readonly CpioEntry[] = [
  file("\u{10000}", ""),
  file("\uff5e", ""),
  file("é", ""),
  file(`${LONG}/${LONG}`, "hello"),
  folder(LONG),
  { kind: "symlink", path: "link", target: "bin/one" },
  file("empty", ""),
  device("dev/tty255", 0o666, 260, 255),
  device("dev/console", 0o600, 5, 1),
  folder("dev"),
  file("bin/two", "12", 0o600),
  file("bin/three", "abc"),
  file("bin/one", "x", 0o4755),
  file("bin/four", "abcd"),
  folder("bin"),
  file("a/b", "1"),
  { kind: "symlink", path: "a.d/l", target: "../é/abs" },
  folder("a.d"),
  file("a.b", "12"),
  folder("a", 0o700),
];

it("packCpio writes the same bytes as GNU cpio", async () => {
  const expected = gunzipSync(Buffer.from(GOLDEN, "base64"));
  expect((await buffer(packCpio(ENTRIES))).toString("latin1")).toBe(expected.toString("latin1"));
});

it("packCpio writes a link count of 2 for every folder", async () => {
  const archive = await buffer(packCpio([{ kind: "directory", path: "a" }, folder("a/b")]));
  expect(archive.toString("latin1", 14, 46)).toBe("000041ED000000000000000000000002");
});

/** inode, mode, nlink, size and device of each entry, by name. */
async function headers(entries: readonly CpioEntry[]): Promise<Record<string, string>> {
  const archive = await buffer(packCpio(entries));
  const found: Record<string, string> = {};
  for (let at = 0; ;) {
    const field = (index: number) =>
      parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const name = archive.toString("latin1", at + 110, at + 109 + field(11));
    if (name === "TRAILER!!!") return found;
    found[name] =
      `${field(0)} ${field(1).toString(8)} ${field(4)} ${field(6)} ${field(9)},${field(10)}`;
    const aligned = (size: number) => Math.ceil(size / 4) * 4;
    at += aligned(110 + field(11)) + aligned(field(6));
  }
}

it("packCpio packs devices, pipes and names that are not UTF-8", async () => {
  const found = await headers([
    folder("d", 0o1777),
    { kind: "block-device", path: "d/disk", mode: 0o660, major: 259, minor: 1048575 },
    device("d/null", 0o666, 1, 3),
    { kind: "fifo", path: "pipe", mode: 0o620 },
    file("caf\udce9", "x", 0o4755),
  ]);
  expect(found).toEqual({
    "caf\xe9": "0 104755 1 1 0,0",
    d: "1 41777 2 0 0,0",
    "d/disk": "2 60660 1 0 259,1048575",
    "d/null": "3 20666 1 0 1,3",
    pipe: "4 10620 1 0 0,0",
  });
});

it("packCpio writes the content of hard links once, with the last name", async () => {
  const named = (path: string) => ({ ...file(path, "abc"), link: "one" });
  const found = await headers([named("c"), { ...file("b", "x"), link: "two" }, named("a")]);
  expect(found).toEqual({ a: "0 100644 2 0 0,0", b: "1 100644 1 1 0,0", c: "0 100644 2 3 0,0" });
});

it.each([
  ["a file that has become shorter", "ab"],
  ["a file with other bytes than it had", "xyz"],
])("fails for %s", async (_what, now) => {
  const content = {
    size: 3,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    open: () => Readable.from([Buffer.from(now)]),
  };
  const packed = buffer(packCpio([{ kind: "file", path: "f", mode: 0o644, content }]));
  await expect(packed).rejects.toMatchObject({ code: "environment" });
});

it("packCpio rejects a file of 4 GiB, before it is opened", () => {
  const content = {
    size: 2 ** 32,
    open: () => {
      throw new Error("opened");
    },
  };
  const entry: CpioEntry = { kind: "file", path: "f", mode: 0o644, content };
  expect(() => packCpio([entry])).toThrow("larger than the 4 GiB");
});

it.each([
  ["a NUL in a name", file("a\0b", "")],
  ["a NUL in a target", { kind: "symlink", path: "l", target: "a\0b" }],
  ["a name that the kernel would skip", file(`${"n".repeat(4095)}x`, "")],
  ["a target that the kernel would skip", { kind: "symlink", path: "l", target: "t".repeat(4096) }],
] as [string, CpioEntry][])("refuses %s, which the user may have caused", (_what, entry) => {
  expect(() => packCpio([entry])).toThrow(KdockError);
});

it.each([
  ["the same path twice", [file("a", ""), file("a", "")]],
  ["a path without its folder", [file("a/b", "")]],
  ["a path below a file", [file("a", ""), file("a/b", "")]],
  ["an absolute path", [file("/a", "")]],
  ["a path that leaves", [folder("a"), file("a/../b", "")]],
  ["an empty path", [file("", "")]],
])("packCpio throws for %s, which is a bug of the caller", (_what, entries) => {
  expect(() => packCpio(entries)).toThrow(Error);
  expect(() => packCpio(entries)).not.toThrow(KdockError);
});
