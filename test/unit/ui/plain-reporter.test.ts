import { expect, it } from "vitest";
import { createPlainReporter } from "../../../src/ui/plain-reporter.js";
import type { Event } from "../../../src/ui/reporter.js";

function record(verbose = false) {
  let time = 0;
  let text = "";
  const reporter = createPlainReporter({
    write: (more) => (text += more),
    now: () => time,
    verbose,
  });
  return {
    reporter,
    at: (ms: number, event: Event) => {
      time = ms;
      reporter.emit(event);
    },
    lines: () => text.split("\n").slice(0, -1),
  };
}

const started = { type: "step-started", step: "kernel", title: "building Linux 6.12" } as const;

function objects(done: number): Event {
  return { type: "progress", step: "kernel", done, total: 100, unit: "objects", about: true };
}

it("PlainReporter writes a line when a step starts and one when it is done", () => {
  const { at, lines } = record();
  at(0, started);
  at(5, { type: "step-done", step: "kernel", cached: false, ms: 271_000, summary: "6.12.117" });
  expect(lines()).toEqual(["kernel   building Linux 6.12", "kernel   6.12.117  (4 min 31 s)"]);
});

it("PlainReporter omits frequent or small progress", () => {
  const { at, lines } = record();
  at(0, started);
  at(9_999, objects(90));
  at(10_000, objects(9));
  expect(lines()).toHaveLength(1);
});

it("PlainReporter writes phase and progress at most every ten seconds", () => {
  const { at, lines } = record();
  at(0, started);
  at(1, { type: "phase", step: "kernel", phase: "compiling" });
  at(10_000, objects(10));
  at(10_001, objects(50));
  at(20_000, objects(51));
  expect(lines().slice(1)).toEqual([
    "kernel   compiling  10 of about 100 objects",
    "kernel   compiling  51 of about 100 objects",
  ]);
});

it("PlainReporter writes progress every minute, however small", () => {
  const { at, lines } = record();
  at(0, started);
  for (let second = 0; second <= 130; second++) at(second * 1000, objects(1));
  expect(lines()).toHaveLength(3);
});

it("PlainReporter writes the end of the log when a step fails", () => {
  const { at, lines } = record();
  at(0, started);
  for (let n = 0; n < 30; n++) at(1, { type: "log", step: "kernel", line: `line ${n}` });
  at(2, { type: "step-failed", step: "kernel", tail: [], logFile: "/lab/kernel.log" });
  expect(lines()).toHaveLength(1 + 1 + 20 + 1);
  expect(lines().slice(-2)).toEqual(["    line 29", "  the whole log: /lab/kernel.log"]);
});

it("PlainReporter writes all log lines when verbose, without escape codes", () => {
  const { at, lines } = record(true);
  at(0, { type: "log", step: "kernel", line: "\u001b[1mCC\u001b[0m init/main.o" });
  expect(lines()).toEqual(["kernel   | CC init/main.o"]);
});

it("PlainReporter ignores results and errors", () => {
  const { at, lines } = record();
  at(0, { type: "result", command: "build", data: {} });
  at(0, { type: "error", code: "vm", message: "no", hint: undefined, exitCode: 1 });
  at(0, { type: "warning", text: "no KVM" });
  at(0, { type: "notice", text: "gdb on port 1234" });
  expect(lines()).toEqual(["warning: no KVM", "gdb on port 1234"]);
});
