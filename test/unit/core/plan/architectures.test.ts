import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configKeys } from "../../../../src/config/keys.js";
import { gdbExtra } from "../../../../src/build/lock/requests.js";
import { type Architecture, USUAL_ARCHITECTURE } from "../../../../src/config/config.js";
import {
  ARCHITECTURES,
  ENGINE_ARCHITECTURES,
  engineArchitecture,
  memoryTools,
} from "../../../../src/core/plan/architectures.js";
import { kernelCommandLine, kernelInside } from "../../../../src/vm/plan/qemu-args.js";

const FRAGMENTS = readdirSync("images/kernel/config");
const MATRIX = readFileSync("test/matrix/arch.test.ts", "utf8");
const rows = Object.entries(ARCHITECTURES);

describe.each(rows)("%s", (name, row) => {
  it("has a fragment with its serial console and its bus, for every preset", () => {
    expect(FRAGMENTS).toContain(`boot.${name}.config`);
    const text = readFileSync(`images/kernel/config/boot.${name}.config`, "utf8");
    expect(text).toMatch(/^CONFIG_SERIAL_\w+_CONSOLE=y$/m);
    if (name !== USUAL_ARCHITECTURE) expect(text).toMatch(/^CONFIG_PCI_HOST_GENERIC=y$/m);
  });

  it("has unique names in the forms that make, QEMU and Debian use", () => {
    expect(row.image.path).toBe(`arch/${row.sourceArch}/boot/${row.image.target}`);
    expect(row.qemu.program).toMatch(/^qemu-system-\w+$/);
    expect(row.qemu.packages.length).toBeGreaterThan(0);
    expect(row.triplet).toMatch(/^\w+-linux-gnu$/);
    expect(row.console).toMatch(/^tty\w+$/);
    for (const other of rows.filter(([each]) => each !== name)) {
      expect(row.triplet).not.toBe(other[1].triplet);
      expect(row.debianArch).not.toBe(other[1].debianArch);
      expect(row.machine).not.toBe(other[1].machine);
    }
  });

  it("boots its make target, on its serial console", () => {
    expect(kernelInside(row)).toBe(`/artifacts/kernel/${row.image.target}`);
    const line = kernelCommandLine({
      ...{ arch: row, quiet: false, shellOnConsole: true, network: true, debug: true },
      ...{ ipv6: undefined, append: "", shares: [] },
    });
    expect(line).toContain(`console=${row.console}`);
  });

  it("has a calling convention in images/gdb, and is a value of kernel.arch", () => {
    expect(readFileSync("images/gdb/kdock/calls.py", "utf8")).toContain(`"${row.gdbArch}": `);
    const key = configKeys().find((each) => each.name === "kernel.arch");
    expect(key?.form).toContain(name);
  });

  it("is built and booted in test/matrix, unless it is the default one", () => {
    if (name !== USUAL_ARCHITECTURE) expect(MATRIX).toContain(`"${name}"`);
  });

  it.each(ENGINE_ARCHITECTURES)("has a gdb that supports it on %s", (engine) => {
    const arch = name as Architecture;
    expect(gdbExtra(arch, engine)).toEqual(name === engine ? [] : ["gdb-multiarch"]);
    expect(memoryTools(arch, engine)).toEqual(name === engine ? ["drgn", "crash"] : ["drgn"]);
  });
});

describe("engineArchitecture", () => {
  it("accepts only machines that Debian's cross compilers run on", () => {
    expect(engineArchitecture("x86_64")).toBe("x86_64");
    expect(engineArchitecture("aarch64")).toBe("arm64");
    expect(() => engineArchitecture("riscv64")).toThrow("the engine's machine is riscv64");
  });
});

describe("scripts in images", () => {
  it("default to the default architecture", () => {
    const row = ARCHITECTURES[USUAL_ARCHITECTURE];
    const script = readFileSync("images/kernel/build.sh", "utf8");
    for (const [variable, value] of [
      ["KDOCK_ARCH", USUAL_ARCHITECTURE],
      ["KDOCK_MAKE_ARCH", row.makeArch],
      ["KDOCK_SOURCE_ARCH", row.sourceArch],
      ["KDOCK_IMAGE", row.image.target],
      ["KDOCK_IMAGE_PATH", row.image.path],
    ]) {
      expect(script).toContain(`"\${${variable}:=${value}}"`);
    }
    const image = readFileSync("images/vm/Dockerfile", "utf8");
    expect(image).toContain(`ARG QEMU="${row.qemu.packages.join(" ")}"`);
  });
});
