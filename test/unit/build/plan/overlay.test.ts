import { describe, expect, it } from "vitest";
import { sha256 } from "../../../../src/core/plan/keys.js";
import {
  guestMode,
  type OverlayEntry,
  overlayDigests,
} from "../../../../src/build/plan/overlay.js";
import { overlayFile } from "../../fixtures.js";

const NONE = sha256("");

describe("overlayDigests", () => {
  it("are the same as before modes were supported, for default modes", () => {
    const before = (...parts: readonly unknown[]) => sha256(JSON.stringify(parts));
    expect(
      overlayDigests([
        { path: "etc", kind: "directory", mode: 0o755 },
        overlayFile("etc/motd", "hello"),
        overlayFile("etc/run", "go", 0o755),
        { path: "etc/issue", kind: "symlink", target: "motd" },
      ]),
    ).toEqual({
      "overlay etc": before("directory", true, "", NONE),
      "overlay etc/motd": before("file", false, "", sha256("hello")),
      "overlay etc/run": before("file", true, "", sha256("go")),
      "overlay etc/issue": before("symlink", true, "motd", NONE),
    });
  });

  it.each<[string, OverlayEntry, OverlayEntry]>([
    ["a mode", overlayFile("a", "", 0o755), overlayFile("a", "", 0o4755)],
    ["a mode without execution", overlayFile("a", "", 0o644), overlayFile("a", "", 0o400)],
    [
      "a folder's mode",
      { path: "a", kind: "directory", mode: 0o755 },
      { path: "a", kind: "directory", mode: 0o700 },
    ],
    [
      "a device's number",
      { path: "a", kind: "character-device", mode: 0o600, major: 1, minor: 3 },
      { path: "a", kind: "character-device", mode: 0o600, major: 1, minor: 5 },
    ],
    [
      "a device's kind",
      { path: "a", kind: "character-device", mode: 0o600, major: 1, minor: 3 },
      { path: "a", kind: "block-device", mode: 0o600, major: 1, minor: 3 },
    ],
  ])("change with %s", (_what, one, other) => {
    expect(overlayDigests([one])).not.toEqual(overlayDigests([other]));
  });

  it("change when files become hard links, independent of the inode number", () => {
    const two = (link?: string) =>
      overlayDigests([overlayFile("a", "x", 0o644, link), overlayFile("b", "x", 0o644, link)]);
    expect(two("1:2")).not.toEqual(two());
    expect(two("1:2")).toEqual(two("3:4"));
    // Its other hard links are outside the overlay.
    expect(overlayDigests([overlayFile("a", "x", 0o644, "1:2")])).toEqual(
      overlayDigests([overlayFile("a", "x")]),
    );
  });

  it("have a unique name for each path, for any bytes", () => {
    const entries = ["caf\udce9", "caf\\xe9"].map((path) => overlayFile(path, ""));
    expect(Object.keys(overlayDigests(entries))).toHaveLength(2);
    expect(Object.keys(overlayDigests(entries))[0]).toBe("overlay ./caf\\xe9");
  });
});

it.each([
  [0o644, 0o644],
  [0o664, 0o644],
  [0o775, 0o755],
  [0o2775, 0o2775],
  [0o666, 0o666],
  [0o1777, 0o1777],
  [0o400, 0o400],
  [0o4711, 0o4711],
])("the mode %o of a file is %o in the guest", (mode, expected) => {
  expect(guestMode(mode)).toBe(expected);
});
