import { expect, it } from "vitest";
import {
  type BuiltKernel,
  chooseKernel,
  isKernelKey,
} from "../../../../src/build/plan/built-kernels.js";

const kernel = (key: string): BuiltKernel => ({
  key,
  ...{ release: "6.12.48", source: "debian:6.12", preset: "debug", arch: "x86_64" },
  ...{ toolchain: "gcc-14", bytes: 1, imageBytes: 1, builtAt: 0, cost: undefined, current: false },
});
const kernels = [kernel("abcd000000000000"), kernel("abcd111111111111")];

it("isKernelKey distinguishes a key from a source", () => {
  for (const word of ["abcd", "0123456789abcdef", "1234"]) expect(isKernelKey(word)).toBe(true);
  for (const word of ["abc", "6.12", "debian:6.12", "./abcd", "0123456789abcdef0", "ABCD"])
    expect(isKernelKey(word)).toBe(false);
});

it("chooseKernel finds a kernel by a prefix of its key", () => {
  expect(chooseKernel(kernels, "abcd1").key).toBe("abcd111111111111");
});

it("chooseKernel lists the kernels for an unknown or ambiguous key", () => {
  expect(() => chooseKernel(kernels, "abcd")).toThrow(
    /2 kernels have a key that starts with abcd:\n {2}abcd000000000000 {2}6\.12\.48/,
  );
  expect(() => chooseKernel(kernels, "ffff")).toThrow(/no kernel with the key ffff.*\n.*abcd0000/);
  expect(() => chooseKernel([], "ffff")).toThrow(/no kernel with the key ffff is built here$/);
});
