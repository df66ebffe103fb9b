import { describe, expect, it } from "vitest";
import { missingForDump, readCoreLine } from "../../../../src/memory/plan/core-event.js";

describe("readCoreLine", () => {
  it("reads events, ignores other lines and throws for unknown events", () => {
    const line = '@kdock {"event":"core","bytes":5,"release":"6.12.117","buildId":"00ff"}';
    expect(readCoreLine(line)).toMatchObject({ release: "6.12.117", buildId: "00ff" });
    expect(readCoreLine("Traceback (most recent call last):")).toBeUndefined();
    expect(() => readCoreLine('@kdock {"event":"unheard-of"}')).toThrow();
  });
});

describe("missingForDump", () => {
  const config = (...lines: string[]) => ["# Linux/x86", ...lines, ""].join("\n");
  const whole = ["CONFIG_DEBUG_INFO=y", "CONFIG_FW_CFG_SYSFS=y"];

  it.each(["CONFIG_VMCORE_INFO=y", "CONFIG_CRASH_CORE=y"])(
    "is empty for a kernel with debug information, fw_cfg and %s",
    (line) => {
      expect(missingForDump(config(...whole, line))).toEqual([]);
    },
  );

  it("lists missing options, by the option that selects them", () => {
    expect(
      missingForDump(config("# CONFIG_DEBUG_INFO is not set", "CONFIG_FW_CFG_SYSFS=m")),
    ).toEqual(["CONFIG_DEBUG_INFO", "CONFIG_FW_CFG_SYSFS", "CONFIG_PROC_KCORE"]);
  });
});
