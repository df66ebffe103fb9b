import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { chooseReporter } from "../../../src/ui/choose-reporter.js";

const choice = { isTty: true, verbose: false, color: true, now: () => 1234 };

it("chooseReporter with json writes each event as one JSON line with its time to stdout", async () => {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const reporter = await chooseReporter({ ...choice, json: true, stdout, stderr });
  reporter.emit({ type: "log", step: "kernel", line: "a\nb" });
  reporter.emit({ type: "result", command: "build", data: { files: [] } });
  reporter.pause();

  const lines = String(stdout.read()).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { time: 1234, type: "log", step: "kernel", line: "a\nb" },
    { time: 1234, type: "result", command: "build", data: { files: [] } },
  ]);
  expect(stderr.read()).toBeNull();
});

it.each([
  ["stderr is no terminal", { isTty: false }],
  ["every log line is wanted", { verbose: true }],
])("chooseReporter writes plain lines to stderr if %s", async (_why, change) => {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const reporter = await chooseReporter({ ...choice, ...change, json: false, stdout, stderr });
  reporter.emit({ type: "step-started", step: "kernel", title: "building" });

  expect(String(stderr.read())).toBe("kernel   building\n");
  expect(stdout.read()).toBeNull();
});
