import type { Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";

/** Throws a `config` error for a machine whose parts do not fit together; what each key is by itself is checked before. */
export function checkMachine({ vm, gdb }: Config): void {
  checkNuma(vm);
  checkAppend(vm, gdb.enable);
  if (vm.accel === "tcg" && /^host(?:,|$)/.test(vm.cpu ?? "")) {
    throw new KdockError("config", "vm.cpu: host needs KVM, and vm.accel is tcg", {
      hint: "max is all that emulation can do.",
    });
  }
}

function checkNuma({ cpus, numa, memoryMiB }: Config["vm"]): void {
  if (numa === 1) return;
  if (cpus % numa !== 0) {
    throw new KdockError(
      "config",
      `vm.numa: ${cpus} processors cannot be shared among ${numa} nodes evenly`,
      {
        hint: `Give it a multiple: --cpus ${Math.ceil(cpus / numa) * numa} (vm.cpus).`,
      },
    );
  }
  if (memoryMiB % numa !== 0) {
    throw new KdockError(
      "config",
      `vm.numa: ${memoryMiB}M cannot be shared among ${numa} nodes evenly`,
      {
        hint: `Give it a multiple: --memory ${Math.ceil(memoryMiB / numa) * numa}M (vm.memory).`,
      },
    );
  }
}

function checkAppend({ append, numa, cpus }: Config["vm"], hasGdb: boolean): void {
  // As the kernel does it: a quote that nothing closes takes the rest with it.
  if ((append.match(/"/g)?.length ?? 0) % 2 !== 0) {
    throw new KdockError("config", `vm.append: a " has no end: ${append}`, {
      hint: "The kernel takes everything behind it for one argument.",
    });
  }
  const words = new Set(append.match(/(?:[^\s"]|"[^"]*")+/g) ?? []);
  const contradictions: readonly (readonly [
    word: string,
    wrong: boolean,
    why: string,
    hint: string,
  ])[] = [
    [
      "kaslr",
      hasGdb,
      "gdb is on, and puts nokaslr there",
      "Switch gdb off: --no-gdb (gdb.enable: false).",
    ],
    ["numa=off", numa > 1, `vm.numa is ${numa}`, "Leave one of the two away."],
    ...["nosmp", "maxcpus=0"].map(
      (word) => [word, cpus > 1, `vm.cpus is ${cpus}`, "Give it one processor: --cpus 1."] as const,
    ),
  ];
  for (const [word, wrong, why, hint] of contradictions) {
    if (wrong && words.has(word)) {
      throw new KdockError("config", `vm.append: ${word} contradicts the rest: ${why}`, { hint });
    }
  }
}
