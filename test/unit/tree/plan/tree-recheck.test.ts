import { expect, it } from "vitest";
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

/** As an index has it: what is too young to be known by its time is marked. */
const WAS = folder("net", [
  ["a.c", 10, 5, 5],
  ["young.c", 10, 5, -999],
]);
const REST = ["young.c", 10, 5, 999] as const;

it.each<[string, readonly Row[], string[]]>([
  ["nothing", [["a.c", 10, 5, 5], REST], []],
  ["a size", [["a.c", 11, 5, 5], REST], ["net/a.c"]],
  ["a time", [["a.c", 10, 6, 5], REST], ["net/a.c"]],
  ["a file that was put back with its time", [["a.c", 10, 5, 7], REST], ["net/a.c"]],
  ["a mode", [["a.c", 10, 5, 5, 0o100755], REST], ["net/a.c"]],
  ["a file that goes", [REST], ["net/a.c"]],
  ["a file that comes", [["a.c", 10, 5, 5], ["b.c", 1, 1, 1], REST], ["net/b.c"]],
  [
    "what was too young, and was written to afterwards",
    [
      ["a.c", 10, 5, 5],
      ["young.c", 10, 5, 1001],
    ],
    ["net/young.c"],
  ],
  [
    "what was too young, and was written to when the clock had been set back",
    [
      ["a.c", 10, 5, 5],
      ["young.c", 10, 5, 900],
    ],
    ["net/young.c"],
  ],
])("tells %s from what was known", (_what, rows, changed) => {
  const now = [folder("net", rows)];
  expect(changedSince(known(WAS), now)).toEqual(changed);
});

it("does not look at the times of folders, and names what is in those that come and go", () => {
  expect(changedSince(known(WAS), [{ ...WAS, modified: 9, changed: 9 }])).toEqual([]);
  const other = folder("new", [["c.c", 1, 1, 1]]);
  expect(changedSince(known(WAS), [other])).toEqual(["net/a.c", "net/young.c", "new/c.c"]);
});
