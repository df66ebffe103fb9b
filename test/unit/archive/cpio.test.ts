import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { packCpio, type CpioEntry } from "../../../src/archive/cpio.js";
import { KdockError } from "../../../src/errors.js";

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

it("writes what GNU cpio writes, byte for byte", () => {
  const expected = gunzipSync(Buffer.from(GOLDEN, "base64"));
  expect(Buffer.from(packCpio(ENTRIES)).toString("latin1")).toBe(expected.toString("latin1"));
});

it("counts two links for every folder, whatever is in it", () => {
  const archive = packCpio([{ kind: "directory", path: "a" }, folder("a/b")]);
  expect(Buffer.from(archive).toString("latin1", 14, 46)).toBe("000041ED000000000000000000000002");
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
])("refuses %s, which would be a bug", (_what, entries) => {
  expect(() => packCpio(entries)).toThrow(Error);
  expect(() => packCpio(entries)).not.toThrow(KdockError);
});
