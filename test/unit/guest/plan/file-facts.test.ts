import { describe, expect, it } from "vitest";
import { headerOf, parseFileFacts, reasonIn } from "../../../../src/guest/plan/file-facts.js";

describe("a line of the guest's list", () => {
  it("has a file's type, mode, time, links and size", () => {
    expect(parseFileFacts("81a4 1700000000 2 21:7 4096 ./a b\nc")).toEqual({
      ...{ path: "a b\nc", type: "file", mode: 0o644, links: 2, inode: "21:7", size: 4096 },
      modified: new Date(1_700_000_000_000),
    });
  });

  it.each([
    ["41ed", "directory"],
    ["a1ff", "symlink"],
    ["21b6", "character-device"],
    ["61b0", "block-device"],
    ["11a4", "fifo"],
    ["c1ff", null],
  ])("of mode %s is of type %s", (mode, type) => {
    expect(parseFileFacts(`${mode} -5 1 0:1 0 ./x`)).toMatchObject({ type });
  });

  it("is none when it says something else", () => {
    expect(["", "stat: can't stat './x'", "81a4 1 1 21:7 ./x"].map(parseFileFacts)).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });

  it("of the folder itself has an empty path", () => {
    const facts = parseFileFacts("41ed 1 1 0:1 0 .");
    expect(facts?.path).toBe("");
    expect(facts && headerOf(facts)).toMatchObject({ name: "./", type: "directory" });
  });
});

it("takes the last words of a reader for the reason", () => {
  expect(reasonIn("cat: can't open './f': Permission denied\n")).toBe("Permission denied");
  expect(reasonIn("")).toBe("");
});
