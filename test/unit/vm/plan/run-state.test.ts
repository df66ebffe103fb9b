import { expect, it } from "vitest";
import { isPaused, pausedText } from "../../../../src/vm/plan/run-state.js";

it("tells a guest that a debugger has stopped from one that is broken", () => {
  expect(pausedText("running")).toBeUndefined();
  for (const state of ["debug", "paused", "prelaunch"]) {
    expect(pausedText(state)).toMatch(/stopped by a debugger/);
  }
  expect(pausedText("io-error")).toMatch(/QEMU calls it io-error/);
});

it("calls every state paused but that of a machine that runs", () => {
  expect(["running", "debug", "prelaunch", "io-error"].map(isPaused)).toEqual([
    ...[false, true, true, true],
  ]);
});
