import { expect, it } from "vitest";
import { table } from "../../../src/ui/table.js";

it("table aligns columns without trailing blanks", () => {
  const rows = [
    ["NAME", "SIZE", "STATE"],
    ["kernel–a", "92", ""],
    ["b", "1234", "up"],
  ];
  expect(table(rows, ["left", "right"])).toEqual([
    "NAME      SIZE  STATE",
    "kernel–a    92",
    "b         1234  up",
  ]);
});

it("table accepts rows of different lengths, and no rows", () => {
  expect(table([["a"], ["bc", "d"]])).toEqual(["a", "bc  d"]);
  expect(table([])).toEqual([]);
});

it.each([
  ["wide characters", "内核", "kern"],
  ["combining marks", "re\u0301gle", "regle"],
  ["an emoji of several code points", "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}", "ab"],
  ["halfwidth forms", "ｶｰﾈﾙ", "abcd"],
  ["zero-width characters", "a\u200bb", "ab"],
])("table measures %s in columns of a terminal", (_what, cell, asWide) => {
  const [line] = table([
    [cell, "|"],
    ["a longer cell", "|"],
  ]);
  expect(line?.slice(cell.length)).toBe(`${" ".repeat(15 - asWide.length)}|`);
});

it("table measures an escape sequence as its escaped text", () => {
  expect(
    table([
      ["\u001b[31mred", "|"],
      ["b", "|"],
    ]),
  ).toEqual(["\\x1b[31mred  |", "b            |"]);
});
