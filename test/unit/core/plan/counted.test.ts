import { describe, expect, it } from "vitest";
import { counted } from "../../../../src/core/plan/counted.js";

describe("counted", () => {
  it.each([
    [0, "0 files"],
    [1, "1 file"],
    [2, "2 files"],
  ])("has the noun for %i in its right form", (number, text) => {
    expect(counted(number, "file")).toBe(text);
  });
});
