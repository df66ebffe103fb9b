import { expect, it } from "vitest";
import { configArchitecture, requireArchitecture } from "../../../src/plan/config-architecture.js";

const HEAD = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/";

it.each([
  [
    `${HEAD}x86 6.12.1 Kernel Configuration\n#\nCONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_X86=y\n`,
    "x86_64",
  ],
  ["CONFIG_X86_32=y\nCONFIG_X86=y\n", "i386"],
  ["CONFIG_ARM64=y\nCONFIG_64BIT=y\n", "arm64"],
  ["CONFIG_RISCV=y\nCONFIG_64BIT=y\n", "riscv64"],
  ["CONFIG_RISCV=y\nCONFIG_32BIT=y\n", "riscv32"],
  ["CONFIG_UML=y\nCONFIG_X86_64=y\n", "um"],
  [`${HEAD}s390 6.1.0 Kernel Configuration\n`, "s390"],
  ["CONFIG_NET=y\n", undefined],
  [`${HEAD}x86 6.12.1 Kernel Configuration\n`, undefined],
])("%#: %s", (text, expected) => {
  expect(configArchitecture(text)).toBe(expected);
});

it("says what a .config is for, and what to do", () => {
  const check = (text: string) => () => {
    requireArchitecture(text, "x86_64", "my.config");
  };
  expect(check("CONFIG_X86_64=y\n")).not.toThrow();
  expect(check("CONFIG_NET=y\n")).not.toThrow();
  expect(check("CONFIG_ARM64=y\n")).toThrow(
    expect.objectContaining({
      code: "config",
      message: "kernel.preset: my.config is a .config for arm64, and this kernel is for x86_64",
      hint: expect.stringContaining("--arch arm64") as unknown,
    }),
  );
  expect(check("CONFIG_X86_32=y\n")).toThrow(
    expect.objectContaining({
      hint: "kdock builds for x86_64, arm64, riscv64: name a .config for x86_64.",
    }),
  );
});
