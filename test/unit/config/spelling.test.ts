import { expect, it } from "vitest";
import { nearest } from "../../../src/config/spelling.js";

it.each([
  ["presett", "preset"],
  ["PRESET", "preset"],
  ["framgents", "fragments"],
  ["colour", undefined],
  ["x", undefined],
])("takes %s for %s", (word, meant) => {
  expect(nearest(word, ["preset", "fragments", "set"])).toBe(meant);
});
