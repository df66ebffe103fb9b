import { describe, expect, it } from "vitest";
import type { FolderColumns } from "../../../../src/core/folder-columns.js";
import type { TreeFolder } from "../../../../src/tree/plan/tree-folder.js";
import { changedSince } from "../../../../src/tree/plan/tree-recheck.js";

const FILE = 0o100644;

type Row = readonly [name: string, size: number, modified: number, changed: number, mode?: number];

function folder(path: string, rows: readonly Row[], times: readonly [number, number] = [1, 1]) {
  return {
    ...{ path, modified: times[0], changed: times[1], folders: [] },
    names: rows.map(([name]) => name),
    modes: Uint16Array.from(rows.map(([, , , , mode = FILE]) => mode)),
    numbers: Float64Array.from(rows.flatMap(([, ...numbers]) => numbers.slice(0, 3))),
  } satisfies FolderColumns;
}

const known = (...folders: readonly FolderColumns[]) =>
  folders.map((each): TreeFolder => ({ ...each, digests: "", digest: "", kconfig: "" }));

/** As in an index: the racy entry is marked. */
const WAS = folder("net", [
  ["a.c", 10, 5, 5],
  ["racy.c", 10, 5, -999],
]);
const REST = ["racy.c", 10, 5, 999] as const;

describe("changedSince", () => {
  it.each<[string, readonly Row[], string[]]>([
    ["nothing", [["a.c", 10, 5, 5], REST], []],
    ["a size", [["a.c", 11, 5, 5], REST], ["net/a.c"]],
    ["a time", [["a.c", 10, 6, 5], REST], ["net/a.c"]],
    ["a file that was restored with its mtime", [["a.c", 10, 5, 7], REST], ["net/a.c"]],
    ["a mode", [["a.c", 10, 5, 5, 0o100755], REST], ["net/a.c"]],
    ["a removed file", [REST], ["net/a.c"]],
    ["an added file", [["a.c", 10, 5, 5], ["b.c", 1, 1, 1], REST], ["net/b.c"]],
    [
      "a racy entry that was written afterwards",
      [
        ["a.c", 10, 5, 5],
        ["racy.c", 10, 5, 1001],
      ],
      ["net/racy.c"],
    ],
    [
      "a racy entry that was written after the clock was set back",
      [
        ["a.c", 10, 5, 5],
        ["racy.c", 10, 5, 900],
      ],
      ["net/racy.c"],
    ],
  ])("detects %s", (_what, rows, changed) => {
    const now = [folder("net", rows)];
    expect(changedSince(known(WAS), now)).toEqual(changed);
  });

  it("ignores the times of folders, and lists the files of added and removed ones", () => {
    expect(changedSince(known(WAS), [{ ...WAS, modified: 9, changed: 9 }])).toEqual([]);
    const other = folder("new", [["c.c", 1, 1, 1]]);
    expect(changedSince(known(WAS), [other])).toEqual(["net/a.c", "net/racy.c", "new/c.c"]);
  });
});
