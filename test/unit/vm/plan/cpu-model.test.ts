import { expect, it } from "vitest";
import { ARCHITECTURES } from "../../../../src/core/plan/architectures.js";
import { cpuProbe, cpuVerdict } from "../../../../src/vm/plan/cpu-model.js";

/** Some of what QEMU 10.0 says. */
const HELP = [
  "Available CPUs:",
  "  Nehalem               (alias configured by machine type)",
  "  Nehalem-v1            Intel Core i7 9xx (Nehalem Class Core i7)",
  "  Skylake-Client        (alias configured by machine type)",
  "  max                   Enables all features supported by the accelerator in the current host",
  "  pentium3              (alias configured by machine type)",
  "",
  "Recognized CPUID flags:",
  "  avx avx2 avx512f",
  "  x2apic xsave",
  "",
  "= probe",
];
const QMP = ['{"QMP": {"version": {}}}', '{"return": {}}'];
const PROMPT = "qemu-system-x86_64: ";
const verdict = (cpu: string, ...probe: string[]) =>
  cpuVerdict(cpu, [...HELP, ...QMP, ...probe], ARCHITECTURES.x86_64);

it("a machine that QEMU made is good, and tells what emulation leaves away", () => {
  expect(verdict("max", '{"return": true}')).toEqual({ kind: "known", lacking: [] });
  const warning = `${PROMPT}warning: TCG doesn't support requested feature: CPUID.07H:EBX.hle [bit 4]`;
  expect(verdict("Skylake-Client", warning, '{"return": true}')).toEqual({
    kind: "known",
    lacking: ["hle"],
  });
});

it.each([
  ["nehalem", [], /knows no processor nehalem/, /Did you mean Nehalem, Nehalem-v1\?/],
  ["zzzzzz", [], /knows no processor zzzzzz/, /It knows Nehalem, Skylake-Client, max, pentium3\./],
  [
    "max,+x2apc",
    [`${PROMPT}Property 'max-x86_64-cpu.x2apc' not found`],
    /no feature x2apc/,
    /mean x2apic/,
  ],
  [
    "max,qqqqqq=1",
    [`${PROMPT}can't apply global: Property 'max-x86_64-cpu.qqqqqq' not found`],
    /no feature qqqqqq/,
    /-cpu help/,
  ],
  ["max,vendor=x", [`${PROMPT}must have 12 characters`], /refuses it: must have 12/, /vm\.cpu is/],
  ["pentium3", ['{"return": false}'], /no 64-bit mode/, /`max` has all/],
  ["max", ["Killed"], /made no machine with it: Killed/, /kdock run/],
])("%s", (cpu, probe, problem, hint) => {
  const said = verdict(cpu, ...probe);
  expect(said).toMatchObject({
    kind: "refused",
    problem: expect.stringMatching(problem) as unknown,
    hint: expect.stringMatching(hint) as unknown,
  });
});

it("asks without what depends on the accelerator", () => {
  expect(cpuProbe("Skylake-Client,enforce,+x2apic,check=on", ARCHITECTURES.x86_64)).toContain(
    "Skylake-Client,+x2apic",
  );
});

it("knows the lists and the machines of other architectures", () => {
  const help = ["Available CPUs:", "  cortex-a15", "  cortex-a76", "  max", "", "= probe"];
  const { arm64, riscv64 } = ARCHITECTURES;
  const said = (cpu: string, line: string) => cpuVerdict(cpu, [...help, ...QMP, line], arm64);
  expect(said("cortex-a76", '{"return": true}')).toEqual({ kind: "known", lacking: [] });
  const none = '{"error": {"class": "GenericError", "desc": "Property not found"}}';
  expect(said("cortex-a15", none)).toMatchObject({
    problem: expect.stringContaining("no 64-bit mode") as unknown,
  });
  expect(said("cortex-a77", "")).toMatchObject({
    hint: expect.stringContaining("cortex-a76") as unknown,
  });
  expect(cpuVerdict("max", [...help, ...QMP, none], riscv64)).toMatchObject({ kind: "known" });
});

it("a processor of arm's that has no 64-bit mode does not even know the word for it", () => {
  const lines = [
    ...QMP,
    `{"error": {"class": "GenericError", "desc": "Property 'cortex-a15-arm-cpu.aarch64' not found"}}`,
  ];
  const help = ["Available CPUs:", "  cortex-a15", "", "= probe"];
  expect(cpuVerdict("cortex-a15", [...help, ...lines], ARCHITECTURES.arm64)).toMatchObject({
    kind: "refused",
    problem: "it has no 64-bit mode, which the kernel needs",
  });
});
