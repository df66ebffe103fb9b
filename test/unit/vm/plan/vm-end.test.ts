import { ARCHITECTURES } from "../../../../src/core/plan/architectures.js";
import { describe, expect, it } from "vitest";
import { panicDriver, panicOf, parseVmEnd, type VmEnd } from "../../../../src/vm/plan/vm-end.js";

const end = (change: Partial<VmEnd>): VmEnd => ({
  ...{
    panicked: false,
    reason: "guest-shutdown",
    mayPanicSilently: true,
    exitCode: 0,
    signal: null,
  },
  ...change,
});

const FALSE = "Kernel panic - not syncing: a program's word";
const REAL = "[    9.1] Kernel panic - not syncing: sysrq triggered crash";
const REPORT = [REAL, "[    9.2] CPU: 0 PID: 62 Comm: sh", "[    9.3] Call Trace:"];

describe("panicOf", () => {
  it("believes QEMU, and gives the kernel's last reason", () => {
    const panicked = end({ panicked: true, reason: "guest-panic", exitCode: 1 });
    expect(panicOf(panicked, [FALSE, "more", ...REPORT])).toBe("sysrq triggered crash");
    expect(panicOf(panicked, [`half a line ${FALSE} ${REAL}`])).toBe("sysrq triggered crash");
    expect(panicOf(panicked, ["quiet"])).toBe("its console does not say why");
  });

  it.each([
    ["was switched off", end({})],
    ["was ended from outside", end({ reason: "host-signal" })],
    ["runs", end({ reason: null, exitCode: null })],
    ["was never started", undefined],
  ])("believes no console of a machine that %s", (_how, how) => {
    expect(panicOf(how, [FALSE, ...REPORT])).toBeUndefined();
  });

  describe("of a machine that was reset, as by a kernel without pvpanic", () => {
    const reset = end({ reason: "guest-reset" });

    it("believes no console where the kernel has a driver for pvpanic, which would have told QEMU", () => {
      const withDriver = { ...reset, mayPanicSilently: false };
      expect(panicOf(withDriver, ["booted", FALSE])).toBeUndefined();
      expect(panicOf(withDriver, ["booted", ...REPORT])).toBeUndefined();
      expect(panicOf(reset, ["booted", FALSE])).toBe("a program's word");
    });

    it.each([
      ["with times", REPORT],
      ["without", REPORT.map((line) => line.replace(/^\[.*?\] /, ""))],
      ["to its end", [...REPORT, "[    9.4] ---[ end Kernel panic - not syncing: sysrq ]---"]],
    ])("believes a report that is the last on the console, %s", (_what, report) => {
      expect(panicOf(reset, ["booted", ...report])).toBe("sysrq triggered crash");
    });

    it.each([
      ["a reset that was asked for", [...REPORT, "[   20.0] reboot: Restarting system"]],
      ["words of a program after it", [...REPORT, "login:"]],
      ["a program's reset by sysrq", [FALSE, "[   20.0] sysrq: Resetting"]],
    ])("believes no report before %s", (_what, console) => {
      expect(panicOf(reset, console)).toBeUndefined();
    });
  });
});

describe("parseVmEnd", () => {
  it("reads what run-qemu.pl writes", () => {
    const text =
      '{"panicked":true,"reason":"guest-panic","mayPanicSilently":true,"exitCode":null,"signal":9}\n';
    const read = { panicked: true, reason: "guest-panic", exitCode: null, signal: 9 };
    expect(parseVmEnd(text)).toEqual({ ...read, mayPanicSilently: true });
    const older = text.replace('"mayPanicSilently":true,', "");
    expect(parseVmEnd(older)).toEqual({ ...read, mayPanicSilently: false });
  });

  it.each(["", "{", "[]", '{"panicked":"yes"}'])("%j is no record", (text) => {
    expect(parseVmEnd(text)).toBeUndefined();
  });
});

describe("panicDriver", () => {
  const both = ARCHITECTURES.x86_64.qemu.panicDevices;
  it.each([
    [
      "CONFIG_PVPANIC=y\n# CONFIG_PVPANIC_MMIO is not set\nCONFIG_PVPANIC_PCI=y\n",
      true,
      "before-agent",
    ],
    ["CONFIG_PVPANIC=y\r\nCONFIG_PVPANIC_PCI=y\r\n", false, "before-init"],
    // kdock's /init loads the modules of the devices that there are; another one may not.
    ["CONFIG_PVPANIC_PCI=m\n", true, "before-agent"],
    ["CONFIG_PVPANIC_PCI=m\n", false, "none"],
    ["CONFIG_PVPANIC_MMIO=y\nCONFIG_PVPANIC_PCI=m\n", false, "before-init"],
    ["CONFIG_PVPANIC=y\n# CONFIG_PVPANIC_PCI is not set\n", true, "none"],
    ["# CONFIG_PVPANIC is not set\n", true, "none"],
    ["", true, "none"],
    // Before Linux 5.13.
    ["CONFIG_PVPANIC=y\n", false, "before-init"],
    ["CONFIG_PVPANIC=m\n", true, "before-agent"],
    ["CONFIG_PVPANIC=m\n", false, "none"],
  ])("of %j on a PC, with an agent: %s, is %s", (config, hasAgent, driver) => {
    expect(panicDriver(config, both, hasAgent)).toBe(driver);
  });

  it("counts no driver for a device that the machine does not have", () => {
    const { panicDevices } = ARCHITECTURES.arm64.qemu;
    expect(panicDriver("CONFIG_PVPANIC=y\n", panicDevices, true)).toBe("none");
    expect(panicDriver("CONFIG_PVPANIC_MMIO=y\n", panicDevices, true)).toBe("none");
    expect(panicDriver("CONFIG_PVPANIC_PCI=y\n", panicDevices, true)).toBe("before-agent");
  });
});
