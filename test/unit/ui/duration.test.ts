import { expect, it } from "vitest";
import { formatClock, formatDuration } from "../../../src/ui/duration.js";

it.each([
  [0, "0.0 s"],
  [432, "0.4 s"],
  [9_949, "9.9 s"],
  [9_960, "10 s"],
  [59_499, "59 s"],
  [59_500, "1 min 0 s"],
  [271_000, "4 min 31 s"],
  [3_599_600, "1 h 0 min"],
  [3_720_000, "1 h 2 min"],
])("formatDuration of %d ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it.each([
  [0, "00:00:00"],
  [82_999, "00:01:22"],
  [360_000_000, "100:00:00"],
])("formatClock of %d ms is %s", (ms, text) => {
  expect(formatClock(ms)).toBe(text);
});
