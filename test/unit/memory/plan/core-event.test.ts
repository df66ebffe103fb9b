import { describe, expect, it } from "vitest";
import { missingForDump, readCoreLine } from "../../../../src/memory/plan/core-event.js";

describe("what takes a dump in says", () => {
  it("events among other words", () => {
    const line = '@kdock {"event":"core","bytes":5,"release":"6.12.117","buildId":"00ff"}';
    expect(readCoreLine(line)).toMatchObject({ release: "6.12.117", buildId: "00ff" });
    expect(readCoreLine("Traceback (most recent call last):")).toBeUndefined();
    expect(() => readCoreLine('@kdock {"event":"unheard-of"}')).toThrow();
  });
});

describe("a kernel whose memory can be read", () => {
  const config = (...lines: string[]) => ["# Linux/x86", ...lines, ""].join("\n");
  const whole = ["CONFIG_DEBUG_INFO=y", "CONFIG_FW_CFG_SYSFS=y"];

  it.each(["CONFIG_VMCORE_INFO=y", "CONFIG_CRASH_CORE=y"])(
    "has debug information, and %s",
    (line) => {
      expect(missingForDump(config(...whole, line))).toEqual([]);
    },
  );

  it("is told what it lacks, by the option that one sets", () => {
    expect(
      missingForDump(config("# CONFIG_DEBUG_INFO is not set", "CONFIG_FW_CFG_SYSFS=m")),
    ).toEqual(["CONFIG_DEBUG_INFO", "CONFIG_FW_CFG_SYSFS", "CONFIG_PROC_KCORE"]);
  });
});
