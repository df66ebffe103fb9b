import { afterEach, expect, it } from "vitest";
import { createSpinnerReporter } from "../../../src/ui/spinner-reporter.js";
import type { Event, Reporter } from "../../../src/ui/reporter.js";
import { FakeTerminal } from "./fake-terminal.js";

let reporter: Reporter | undefined;
afterEach(() => {
  reporter?.pause();
});

function record(color = false) {
  const terminal = new FakeTerminal();
  let time = 0;
  const made = createSpinnerReporter({ stream: terminal, color, now: () => time });
  reporter = made;
  return {
    terminal,
    at: (ms: number, ...events: Event[]) => {
      time = ms;
      for (const event of events) made.emit(event);
    },
    pause: () => {
      made.pause();
    },
  };
}

const started = { type: "step-started", step: "kernel", title: "building" } as const;
const compiling = { type: "phase", step: "kernel", phase: "compiling" } as const;
const done = {
  type: "step-done",
  step: "kernel",
  cached: false,
  ms: 271_000,
  summary: "6.12.117",
} as const;

it("SpinnerReporter shows step, phase, progress and clock of a running step", async () => {
  const { terminal, at } = record();
  at(0, started, compiling, {
    type: "progress",
    step: "kernel",
    done: 812,
    total: 1900,
    unit: "objects",
    about: true,
  });
  at(82_000, { type: "log", step: "kernel", line: "CC init/main.o" });
  await expect
    .poll(() => terminal.screen.at(-1))
    .toMatch(/^\S kernel {3}compiling {2}812 of about 1900 objects {2}00:01:22$/);
  expect(terminal.screen).toHaveLength(1);
});

it("SpinnerReporter shows concurrent steps below each other", async () => {
  const { terminal, at } = record();
  at(0, started, { type: "step-started", step: "busybox", title: "unpacking" });
  at(1000, compiling);
  await expect
    .poll(() => terminal.screen)
    .toEqual([
      expect.stringMatching(/^\S kernel {3}compiling {2}00:00:01$/) as string,
      "  busybox  unpacking  00:00:01",
    ]);
});

it("SpinnerReporter leaves one line for a finished step, and stops", () => {
  const { terminal, at } = record();
  at(0, started, done, { ...done, step: "busybox", cached: true, summary: undefined });
  expect(terminal.screen).toEqual(["✔ kernel   6.12.117  (4 min 31 s)", "✔ busybox  up to date"]);
});

it("SpinnerReporter writes warnings above the spinner", () => {
  const { terminal, at } = record();
  at(0, started, { type: "warning", text: "KVM does not work here" });
  expect(terminal.screen[0]).toBe("⚠ KVM does not work here");
  expect(terminal.screen[1]).toMatch(/^\S kernel {3}building {2}00:00:00$/);
});

it("SpinnerReporter shows the end of the log and its file when a step fails", () => {
  const { terminal, at } = record();
  at(
    0,
    started,
    { type: "log", step: "kernel", line: "gcc: error" },
    { type: "step-failed", step: "kernel", tail: [], logFile: "/lab/kernel.log" },
  );
  expect(terminal.screen).toEqual([
    "✖ kernel   failed",
    "    gcc: error",
    "  the whole log: /lab/kernel.log",
  ]);
});

it("SpinnerReporter clears the spinner on pause, and shows it with the next event", () => {
  const { terminal, at, pause } = record();
  at(0, started);
  pause();
  expect(terminal.screen).toEqual([]);
  at(1, compiling);
  expect(terminal.screen).toHaveLength(1);
});

it("SpinnerReporter shows the cursor at the end", () => {
  const { terminal, at } = record();
  at(0, started, { type: "error", code: "vm", message: "no", hint: undefined, exitCode: 1 });
  expect(terminal.raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(
    terminal.raw.lastIndexOf("\u001b[?25l"),
  );
  expect(terminal.screen).toEqual([]);
});

it.each([
  [true, true],
  [false, false],
])("SpinnerReporter uses colours with color %s: %s", (color, painted) => {
  const { terminal, at } = record(color);
  at(0, started, done);
  expect(terminal.raw.includes("\u001b[32m✔\u001b[39m")).toBe(painted);
  // eslint-disable-next-line no-control-regex -- a colour is a control sequence
  if (!color) expect(terminal.raw).not.toMatch(/\u001b\[\d+m/);
});
