import { describe, expect, it } from "vitest";
import { requestedConfig } from "../../../../src/core/plan/kconfig.js";

describe("requestedConfig", () => {
  it("puts fragments first, in order, and options of kdock.yaml last", () => {
    const text = requestedConfig(
      [
        { name: "a.config", text: "CONFIG_A=y\n" },
        { name: "b.config", text: '# CONFIG_B is not set\n\n# a remark\nCONFIG_C="x y"' },
      ],
      { CONFIG_D: "m", CONFIG_E: "n" },
    );
    expect(text).toBe(
      '# from a.config\nCONFIG_A=y\n# from b.config\n# CONFIG_B is not set\n\n# a remark\nCONFIG_C="x y"\n' +
        "# from kdock.yaml\nCONFIG_D=m\n# CONFIG_E is not set\n",
    );
  });

  it("is empty when nothing is requested", () => {
    expect(requestedConfig([], {})).toBe("");
  });

  it.each([
    ["a missing prefix", "TCP_CONG_BBR=y"],
    ["no value", "CONFIG_TCP_CONG_BBR="],
    ["a blank before the sign", "CONFIG_TCP_CONG_BBR =y"],
    ["text without quotes", "CONFIG_LOCALVERSION=-lab"],
    ["half of an unset comment", "# CONFIG_NET is not sett"],
    ["a shell line", "export CONFIG_NET=y"],
  ])("rejects %s with file and line", (_what, line) => {
    const fragment = { name: "my.config", text: `CONFIG_NET=y\n${line}\n` };
    expect(() => requestedConfig([fragment], {})).toThrow(`my.config:2: ${line}`);
  });
});
