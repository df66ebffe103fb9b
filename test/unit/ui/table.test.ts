import { expect, it } from "vitest";
import { table } from "../../../src/ui/table.js";

it("aligns columns and leaves nothing at the end of a line", () => {
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

it("takes rows of different lengths, and none", () => {
  expect(table([["a"], ["bc", "d"]])).toEqual(["a", "bc  d"]);
  expect(table([])).toEqual([]);
});
