import { expect, it } from "vitest";
import { archProblem, configArch } from "../../../../src/build/plan/config-arch.js";

const title = (name: string) => `#\n# Linux/${name} 6.1.0 Kernel Configuration\n#\n`;

it.each([
  [`${title("x86")}CONFIG_64BIT=y\nCONFIG_X86_64=y\n`, "x86_64"],
  [`${title("x86_64")}CONFIG_64BIT=y\n`, "x86_64"],
  [`${title("x86")}CONFIG_64BIT=y\n`, "x86_64"],
  [`${title("x86")}# CONFIG_64BIT is not set\nCONFIG_X86_32=y\n`, "i386"],
  [title("arm64"), "arm64"],
  ["CONFIG_ARM64=y\r\nCONFIG_64BIT=y\r\n", "arm64"],
  ["CONFIG_ARM=y\n", "arm"],
  ["CONFIG_UML=y\nCONFIG_X86_64=y\n", "um"],
  ["CONFIG_RISCV=y\nCONFIG_64BIT=y\n", "riscv64"],
  ["CONFIG_RISCV=y\nCONFIG_32BIT=y\n", "riscv32"],
  [title("sparc"), "sparc"],
  ["# CONFIG_ARM64 is not set\nCONFIG_NET=y\n", undefined],
  ["", undefined],
])("configArch of %j is %s", (text, arch) => {
  expect(configArch(text)).toBe(arch);
});

it("archProblem names both architectures, and accepts a text without one", () => {
  expect(archProblem("CONFIG_ARM64=y\n", "x86_64")?.message).toMatch(/for arm64.*for x86_64/);
  expect(archProblem("CONFIG_ARM64=y\n", "arm64")).toBeUndefined();
  expect(archProblem("CONFIG_NET=y\n", "x86_64")).toBeUndefined();
});
