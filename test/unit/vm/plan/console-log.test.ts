import { describe, expect, it } from "vitest";
import { panicReason, panicReport, releaseIn } from "../../../../src/vm/plan/console-log.js";

const lines = (text: string) => text.trim().split("\n");

const WARNING = lines(`
------------[ cut here ]------------
WARNING: CPU: 0 PID: 1 at drivers/misc/a.c:12 probe_a+0x12/0x30
Call Trace:
 probe_a+0x12/0x30
---[ end trace 0000000000000000 ]---
{==DBG==} Boot took 1.52 seconds`);

const SYSRQ = lines(`
Kernel panic - not syncing: sysrq triggered crash
CPU: 0 UID: 0 PID: 62 Comm: sh Not tainted 6.12.117 #1
Call Trace:
 panic+0xfa/0x281
---[ end Kernel panic - not syncing: sysrq triggered crash ]---`);

const OOPS = lines(`
BUG: kernel NULL pointer dereference, address: 0000000000000000
#PF: supervisor write access in kernel mode
Oops: Oops: 0002 [#1] PREEMPT SMP
CPU: 0 UID: 0 PID: 62 Comm: sh Tainted: G        W          6.12.117 #1
RIP: 0010:lkdtm_EXCEPTION+0x5/0x10 [lkdtm]
Call Trace:
 direct_entry+0x80/0x90 [lkdtm]
---[ end trace 0000000000000000 ]---`);

const FATAL = ["Kernel panic - not syncing: Fatal exception"];

describe("a panic's report", () => {
  it.each([
    ["its own backtrace, and nothing of an earlier warning", [...WARNING, ...SYSRQ], SYSRQ],
    ["the oops before it, where it has none", [...WARNING, ...OOPS, ...FATAL], [...OOPS, ...FATAL]],
    ["nothing after its end", [...SYSRQ, "Rebooting"], SYSRQ],
    ["nothing that kdock says", [...FATAL, "[kdock] the guest's memory is written"], FATAL],
    ["nothing without a panic", WARNING, []],
  ])("has %s", (_what, console, report) => {
    expect(panicReport(console)).toEqual(report);
  });

  it("is of the last of several", () => {
    expect(panicReason([...FATAL, "Linux version 6.12.117", ...SYSRQ])).toBe(
      "sysrq triggered crash",
    );
  });
});

it.each([
  [SYSRQ, "6.12.117"],
  [OOPS, "6.12.117"],
  [["CPU: 1 PID: 7 Comm: a b Not tainted 5.10.0-28-amd64 #1"], "5.10.0-28-amd64"],
  [["      Not tainted 6.12.117 #1", "INFO: task x blocked"], "6.12.117"],
  [["Nov 24 h kernel: Linux version 6.1.0-9-amd64 (d@l) #1 SMP"], "6.1.0-9-amd64"],
  [["Booting"], undefined],
])("knows whose report it is", (report, release) => {
  expect(releaseIn(report)).toBe(release);
});
