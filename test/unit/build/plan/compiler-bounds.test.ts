import { describe, expect, it } from "vitest";
import { compilerHint, knownCause } from "../../../../src/build/plan/build-failure.js";
import {
  checkCompiler,
  compilerProblem,
  compilerWarning,
  isYounger,
} from "../../../../src/build/plan/compiler-bounds.js";

describe("compilerProblem", () => {
  it.each([
    ["6.12", "clang-11", "clang-13"],
    ["6.9", "clang-11", "clang-13"],
    ["6.15", "clang-14", "clang-15"],
    ["7.0", "clang-13", "clang-15"],
  ])("finds for Linux %s that %s is too old, and asks for %s", (version, compiler, wanted) => {
    expect(compilerProblem(version, compiler)).toBe(
      `${compiler} is too old for Linux ${version}, which asks for ${wanted} or later`,
    );
  });

  it.each([
    ["5.10", "clang-11"],
    ["6.8", "clang-11"],
    ["6.12.30", "clang-13"],
    ["6.12", "gcc-9"],
    ["6.12", "gcc-12"],
    ["4.19.303", "gcc-10"],
  ])("takes for Linux %s %s", (version, compiler) => {
    expect(compilerProblem(version, compiler)).toBeUndefined();
  });

  it("is told with the compiler that will do", () => {
    expect(() => {
      checkCompiler("6.12", "clang-11");
    }).toThrow(/clang-11 is too old for Linux 6\.12/);
  });
});

it("knows the younger compiler, across families as well", () => {
  expect(isYounger("5.10", "gcc-14")).toBe(true);
  expect(isYounger("5.10", "clang-19")).toBe(true);
  expect(isYounger("6.12", "clang-19")).toBe(true);
  expect(isYounger("6.12", "gcc-12")).toBe(false);
  expect(isYounger("5.10", "clang-9")).toBe(false);
});

describe("compilerHint", () => {
  it("names cause and cure of a failure that is known", () => {
    const line = "/usr/bin/ld: scripts/dtc/dtc-parser.tab.o: multiple definition of `yylloc'; ...";
    expect(compilerHint(knownCause(line), "4.19", "gcc-14")).toBe(
      "Most likely, host tools define a variable twice, which gcc 10 refuses. kernel.toolchain: auto builds Linux 4.19 with gcc-10.",
    );
  });

  it("suspects a compiler that is younger than the tree, and no other", () => {
    expect(compilerHint(knownCause("error: something"), "5.10", "gcc-14")).toMatch(
      /younger than Linux 5\.10/,
    );
    expect(compilerHint(knownCause("error: something"), "6.12", "gcc-14")).toBeUndefined();
  });
});

it("warns of a compiler that an old tree may not build with, and not of a suite's other newest one", () => {
  expect(compilerWarning("5.10", "gcc-14")).toBe(
    "gcc-14 is younger than Linux 5.10: should the build fail, kernel.toolchain: auto takes gcc-10",
  );
  expect(compilerWarning("5.10", "gcc-10")).toBeUndefined();
  expect(compilerWarning("6.1", "clang-19")).toContain("takes gcc-12");
  expect(compilerWarning("6.12", "clang-19")).toBeUndefined();
});
