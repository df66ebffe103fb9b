import { describe, expect, it } from "vitest";
import { compilerHint, knownCause } from "../../../../src/build/plan/build-failure.js";
import {
  checkCompiler,
  compilerProblem,
  compilerWarning,
  isCompilerNewer,
} from "../../../../src/build/plan/compiler-bounds.js";

describe("compilerProblem", () => {
  it.each([
    ["6.12", "clang-11", "clang-13"],
    ["6.9", "clang-11", "clang-13"],
    ["6.15", "clang-14", "clang-15"],
    ["7.0", "clang-13", "clang-15"],
  ])(
    "rejects for Linux %s the compiler %s, which is older than %s",
    (version, compiler, wanted) => {
      expect(compilerProblem(version, compiler)).toBe(
        `${compiler} is too old for Linux ${version}, which needs ${wanted} or later`,
      );
    },
  );

  it.each([
    ["5.10", "clang-11"],
    ["6.8", "clang-11"],
    ["6.12.30", "clang-13"],
    ["6.12", "gcc-9"],
    ["6.12", "gcc-12"],
    ["4.19.303", "gcc-10"],
  ])("accepts for Linux %s %s", (version, compiler) => {
    expect(compilerProblem(version, compiler)).toBeUndefined();
  });

  it("is reported with a supported compiler", () => {
    expect(() => {
      checkCompiler("6.12", "clang-11");
    }).toThrow(/clang-11 is too old for Linux 6\.12/);
  });
});

it("isCompilerNewer compares compilers, also gcc with clang", () => {
  expect(isCompilerNewer("5.10", "gcc-14")).toBe(true);
  expect(isCompilerNewer("5.10", "clang-19")).toBe(true);
  expect(isCompilerNewer("6.12", "clang-19")).toBe(true);
  expect(isCompilerNewer("6.12", "gcc-12")).toBe(false);
  expect(isCompilerNewer("5.10", "clang-9")).toBe(false);
});

describe("compilerHint", () => {
  it("returns cause and remedy of a known failure", () => {
    const line = "/usr/bin/ld: scripts/dtc/dtc-parser.tab.o: multiple definition of `yylloc'; ...";
    expect(compilerHint(knownCause(line), "4.19", "gcc-14")).toBe(
      "Most likely, host tools define a variable twice, which gcc 10 refuses. kernel.toolchain: auto builds Linux 4.19 with gcc-10.",
    );
  });

  it("suspects only a compiler that is newer than the tree", () => {
    expect(compilerHint(knownCause("error: something"), "5.10", "gcc-14")).toMatch(
      /newer than Linux 5\.10/,
    );
    expect(compilerHint(knownCause("error: something"), "6.12", "gcc-14")).toBeUndefined();
  });
});

it("compilerWarning is for old trees with newer compilers, not for other compilers of the newest suite", () => {
  expect(compilerWarning("5.10", "gcc-14")).toBe(
    "gcc-14 is newer than Linux 5.10: if the build fails, kernel.toolchain: auto uses gcc-10",
  );
  expect(compilerWarning("5.10", "gcc-10")).toBeUndefined();
  expect(compilerWarning("6.1", "clang-19")).toContain("uses gcc-12");
  expect(compilerWarning("6.12", "clang-19")).toBeUndefined();
});
