import { describe, expect, it } from "vitest";
import { readTrapLine } from "../../../../src/debug/plan/trap.js";

const LOCATION = {
  function: "kernel_clone",
  file: "/src/kernel/fork.c",
  line: 2803,
  address: "0xffffffff81051e00",
  inlinedInto: null,
};

const EVENTS = [
  {
    event: "armed",
    checked: true,
    reason: "build id a61e80",
    hardware: false,
    stops: [
      {
        asked: "_do_fork",
        name: "kernel_clone",
        note: "_do_fork is called kernel_clone since Linux 5.10",
        locations: [LOCATION],
      },
    ],
  },
  {
    event: "hit",
    number: 1,
    stop: "_do_fork",
    function: "kernel_clone",
    file: "/src/kernel/fork.c",
    line: 2803,
    cpu: 0,
    args: [{ name: "args", value: "0xffa000000012fe98" }],
    locals: [],
    prints: [
      { expression: "args->flags", value: "0" },
      { expression: "nr", error: "value has been optimized out" },
    ],
    backtrace: [
      { level: 0, function: "kernel_clone", file: "/src/kernel/fork.c", line: 2803, args: [] },
      { level: 1, function: "0xffffffff81000000", file: null, line: null, args: [] },
    ],
    stoppedMs: 24.9,
  },
  {
    event: "end",
    reason: "timeout",
    hits: 0,
    why: [{ stop: "tcp_v4_rcv", text: "nothing called tcp_v4_rcv in 2 s" }],
  },
  {
    event: "error",
    kind: "unknown-function",
    message: "this kernel has no function tcp_v4_rvc",
    near: ["tcp_v4_rcv"],
  },
];

describe("readTrapLine", () => {
  it.each(EVENTS.map((event) => [event.event, event] as const))("reads %s", (_name, event) => {
    expect(readTrapLine(`@kdock ${JSON.stringify(event)}`)).toEqual(event);
  });

  it("is undefined for gdb's other output", () => {
    expect(
      readTrapLine("Breakpoint 1 at 0xffffffff81051e00: file /src/kernel/fork.c"),
    ).toBeUndefined();
    expect(readTrapLine("")).toBeUndefined();
  });

  it.each([
    ["an unknown event", '@kdock {"event":"tea"}'],
    ["an event without a required field", '@kdock {"event":"end","reason":"count"}'],
    ["a truncated line", '@kdock {"event":"end",'],
  ])("throws for %s", (_name, line) => {
    expect(() => readTrapLine(line)).toThrow();
  });
});
