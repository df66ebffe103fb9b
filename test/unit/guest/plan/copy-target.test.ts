import { expect, it } from "vitest";
import {
  copyTarget,
  nameOf,
  parentOf,
  type SourceKind,
  type TargetKind,
} from "../../../../src/guest/plan/copy-target.js";

function target(
  [path, kind]: [string, SourceKind],
  [to, there, nested = "nothing"]: [string, TargetKind, TargetKind?],
) {
  const { folder, name, merges } = copyTarget({ path, kind }, { path: to, kind: there, nested });
  return `${folder} ${name}${merges ? " merges" : ""}`;
}

it("puts a file where docker cp does", () => {
  expect(target(["/a/f", "file"], ["/b", "nothing"])).toBe("/ b");
  expect(target(["/a/f", "file"], ["/b", "file"])).toBe("/ b");
  expect(target(["/a/f", "file"], ["/b", "directory"])).toBe("/b f");
  expect(target(["/a/f", "file"], ["/b/", "directory", "file"])).toBe("/b/ f");
  expect(target(["/a/l", "symlink"], ["/b/c", "nothing"])).toBe("/b c");
});

it("puts a folder where docker cp does", () => {
  expect(target(["/a/d", "directory"], ["/b/c", "nothing"])).toBe("/b c");
  expect(target(["/a/d/", "directory"], ["/b/c/", "nothing"])).toBe("/b c");
  expect(target(["/a/d", "directory"], ["/b", "directory"])).toBe("/b d");
  expect(target(["/a/d", "directory"], ["/b", "directory", "directory"])).toBe("/b d merges");
  expect(target(["/a/d/.", "directory"], ["/b", "directory"])).toBe("/b  merges");
  expect(target(["/a/d/.", "directory"], ["/b/c", "nothing"])).toBe("/b c");
});

it.each<[string, [string, SourceKind], [string, TargetKind, TargetKind?], RegExp]>([
  ["no parent", ["/f", "file"], ["/no/b", "no-parent"], /no folder \/no to copy into/],
  ["a folder that is not there", ["/f", "file"], ["/b/", "nothing"], /no folder \/b\//],
  ["a folder onto a file", ["/d", "directory"], ["/b", "file"], /\/b is a file/],
  [
    "a folder onto a file in it",
    ["/d", "directory"],
    ["/b", "directory", "file"],
    /\/b\/d is a file/,
  ],
  ["a file onto a device", ["/f", "file"], ["/dev/null", "special"], /null is a device/],
  [
    "a folder onto a pipe in it",
    ["/d", "directory"],
    ["/b", "directory", "special"],
    /d is a device/,
  ],
  ["a file onto a folder", ["/f", "file"], ["/b", "directory", "directory"], /\/b\/f is a folder/],
])("refuses %s", (_what, from, to, message) => {
  expect(() => target(from, to)).toThrow(message);
});

it.each([
  ["/a/b", "b", "/a"],
  ["/a/b//", "b", "/a"],
  ["/a", "a", "/"],
  ["/a/d/.", "d", "/a/d"],
  ["/", "", ""],
])("knows name and parent of %s", (path, name, parent) => {
  expect(nameOf(path)).toBe(name === "" ? "/".slice(1) : name);
  if (parent !== "") expect(parentOf(path)).toBe(parent);
});
