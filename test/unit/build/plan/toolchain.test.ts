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
  ])("uses for Linux %s the compiler of its time: %s %s", (version, suite, compiler) => {
    expect(toolchainFor(version, "auto")).toEqual({ suite, compiler });
  });

  it("uses the suite that has the requested compiler", () => {
    expect(toolchainFor("6.12", "gcc-12")).toEqual({ suite: "bookworm", compiler: "gcc-12" });
    expect(toolchainFor("6.1", "clang-19")).toEqual({ suite: "trixie", compiler: "clang-19" });
  });

  it("rejects a compiler that no suite has", () => {
    expect(() => toolchainFor("6.12", "gcc-99")).toThrow(/no Debian suite .* has gcc-99/);
  });
});
