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

/** What a fourth architecture needs, line by line: a row that fails here says what it lacks. */
describe.each(rows)("%s", (name, row) => {
  it("has a fragment with its serial line and its bus, for every preset to boot with", () => {
    expect(FRAGMENTS).toContain(`boot.${name}.config`);
    const text = readFileSync(`images/kernel/config/boot.${name}.config`, "utf8");
    expect(text).toMatch(/^CONFIG_SERIAL_\w+_CONSOLE=y$/m);
    if (name !== USUAL_ARCHITECTURE) expect(text).toMatch(/^CONFIG_PCI_HOST_GENERIC=y$/m);
  });

  it("has names of its own, in the forms that those want who read them", () => {
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

  it("boots what it builds, on its own console", () => {
    expect(kernelInside(row)).toBe(`/artifacts/kernel/${row.image.target}`);
    const line = kernelCommandLine({
      ...{ arch: row, quiet: false, shellOnConsole: true, network: true, debug: true },
      ...{ ipv6: undefined, append: "", shares: [] },
    });
    expect(line).toContain(`console=${row.console}`);
  });

  it("has calling conventions in the debugger, and can be asked for", () => {
    expect(readFileSync("images/gdb/kdock/calls.py", "utf8")).toContain(`"${row.gdbArch}": `);
    const key = configKeys().find((each) => each.name === "kernel.arch");
    expect(key?.form).toContain(name);
  });

  it("is built and booted by test/matrix, unless all other tests do that", () => {
    if (name !== USUAL_ARCHITECTURE) expect(MATRIX).toContain(`"${name}"`);
  });

  it.each(ENGINE_ARCHITECTURES)("wants a debugger that knows it on %s", (engine) => {
    const arch = name as Architecture;
    expect(gdbExtra(arch, engine)).toEqual(name === engine ? [] : ["gdb-multiarch"]);
    expect(memoryTools(arch, engine)).toEqual(name === engine ? ["drgn", "crash"] : ["drgn"]);
  });
});

it("an engine's machine is one that Debian's cross compilers run on", () => {
  expect(engineArchitecture("x86_64")).toBe("x86_64");
  expect(engineArchitecture("aarch64")).toBe("arm64");
  expect(() => engineArchitecture("riscv64")).toThrow("the engine's machine is riscv64");
});

it("the builders' defaults are those of the usual architecture", () => {
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
