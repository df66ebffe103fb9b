import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PauseNotice } from "../../../../src/guest/steps/pause-notice.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function notice(): { pause: PauseNotice; said: string[] } {
  const said: string[] = [];
  return { pause: new PauseNotice((text) => said.push(text)), said };
}

it("announces each pause once", () => {
  const { pause, said } = notice();
  for (const state of ["running", "paused", "debug"]) pause.update(state);
  expect(pause.isPaused).toBe(true);
  vi.advanceTimersByTime(10_000);
  expect(said).toHaveLength(1);

  pause.update("running");
  expect(pause.isPaused).toBe(false);
  pause.update("debug");
  vi.advanceTimersByTime(10_000);
  expect(said).toHaveLength(2);
});

it("does not announce one that a debugger ends at once", () => {
  const { pause, said } = notice();
  pause.update("debug");
  vi.advanceTimersByTime(300);
  pause.update("running");
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual([]);
});

it("announces nothing once it is disposed of", () => {
  const { pause, said } = notice();
  pause.update("debug");
  pause[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual([]);
});
