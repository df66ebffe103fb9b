import { describe, expect, it } from "vitest";
import { toolchainFor } from "../../../../src/build/plan/toolchain.js";

describe("toolchainFor", () => {
  it.each([
    ["4.19", "bullseye", "gcc-10"],
    ["5.10", "bullseye", "gcc-10"],
    ["5.14", "bullseye", "gcc-10"],
    ["5.15", "bookworm", "gcc-12"],
    ["6.1", "bookworm", "gcc-12"],
    ["6.6", "bookworm", "gcc-12"],
    ["6.7", "trixie", "gcc-14"],
    ["6.12", "trixie", "gcc-14"],
    ["7.0", "trixie", "gcc-14"],
  ])("gives %s its time's compiler: %s %s", (version, suite, compiler) => {
    expect(toolchainFor(version, "auto")).toEqual({ suite, compiler });
  });

  it("takes the compiler that is asked for from the suite that has it", () => {
    expect(toolchainFor("6.12", "gcc-12")).toEqual({ suite: "bookworm", compiler: "gcc-12" });
    expect(toolchainFor("6.1", "clang-19")).toEqual({ suite: "trixie", compiler: "clang-19" });
  });

  it("refuses a compiler that no suite has, and names those that are", () => {
    expect(() => toolchainFor("6.12", "gcc-99")).toThrow(/no Debian suite .* has gcc-99/);
  });
});
