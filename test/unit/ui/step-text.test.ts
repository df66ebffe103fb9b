import { expect, it } from "vitest";
import { doneText, formatBytes, logText, progressText } from "../../../src/ui/step-text.js";

it.each([
  ["objects", 812, 1900, true, "812 of about 1900 objects"],
  ["objects", 812, 1900, false, "812 of 1900 objects"],
  ["objects", 1950, 1900, true, "1950 objects"],
  ["objects", 3, undefined, false, "3 objects"],
  ["bytes", 50_000_000, 92_100_000, false, "54 % of 92.1 MB"],
  ["bytes", 12_000_000, undefined, false, "12.0 MB"],
  ["bytes", 0, 0, false, "100 % of 0 B"],
] as const)("%s: %s of %s (about: %s) reads %s", (unit, done, total, about, text) => {
  expect(progressText({ type: "progress", step: "kernel", done, total, unit, about })).toBe(text);
});

it.each([
  [999, "999 B"],
  [1000, "1.0 kB"],
  [999_960, "1.0 MB"],
  [5_000_000_000_000, "5000.0 GB"],
])("formatBytes of %d is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [false, "6.12.117", "6.12.117  (4 min 31 s)"],
  [false, undefined, "done  (4 min 31 s)"],
  [true, undefined, "up to date"],
  [true, "6.12.117", "up to date  (6.12.117)"],
])("doneText with cached %s and summary %s is %s", (cached, summary, text) => {
  expect(doneText({ type: "step-done", step: "kernel", cached, ms: 271_000, summary })).toBe(text);
});

it("logText removes colours and the line end", () => {
  expect(logText("\u001b[31merror\u001b[0m:\u0007 no\trule\r")).toBe("error:\u0007 no\trule");
});
