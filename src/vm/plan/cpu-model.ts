import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { nearest } from "../../config/spelling.js";

/** In the VM's image: what QEMU knows, then a machine with the processor that is asked for, as far as its first instruction. */
const SCRIPT = `
"$2" -cpu help
echo "= probe"
printf '%s\\n' '{"execute":"qmp_capabilities"}' \\
  '{"execute":"qom-get","arguments":{"path":"/machine/unattached/device[0]","property":"'"$4"'"}}' '{"execute":"quit"}' |
  exec "$2" -M "$3",accel=tcg -m 64 -nodefaults -display none -S -qmp stdio -cpu "$1"`;

/** What QEMU's own "enforce" says depends on the accelerator, which is chosen later. */
export function cpuProbe(cpu: string, { qemu }: Pick<ArchitectureRow, "qemu">): readonly string[] {
  const asked = cpu.split(",").filter((word) => !/^(?:enforce|check)(?:=|$)/.test(word));
  return [
    "sh",
    "-c",
    SCRIPT,
    "sh",
    asked.join(","),
    qemu.program,
    qemu.plainBoard,
    qemu.has64Bit ?? "type",
  ];
}

/** The processor of the machine below; nothing but KVM knows it, so there is nothing to ask. */
export function isHostCpu(cpu: string): boolean {
  return cpu === "host" || cpu.startsWith("host,");
}

/** What came of it. */
export type CpuVerdict =
  | {
      readonly kind: "known";
      /** Features that emulation does not have. */ readonly lacking: readonly string[];
    }
  | { readonly kind: "refused"; readonly problem: string; readonly hint: string };

export function cpuVerdict(
  cpu: string,
  lines: readonly string[],
  { qemu }: Pick<ArchitectureRow, "qemu">,
): CpuVerdict {
  const border = lines.findIndex((line) => line === "= probe");
  const help = lines.slice(0, border);
  const probe = lines.slice(border + 1);
  const flagsAt = help.findIndex((line) => line.startsWith("Recognized CPUID flags"));
  // Other architectures' lists end with their models.
  const models = (flagsAt < 0 ? help : help.slice(0, flagsAt)).flatMap(
    (line) => /^ {2}(\S+)/.exec(line)?.[1] ?? [],
  );
  const flags = (flagsAt < 0 ? [] : help)
    .slice(flagsAt + 1)
    .flatMap((line) => line.trim().split(/\s+/))
    .filter(Boolean);

  const [model = ""] = cpu.split(",");
  if (!models.includes(model)) {
    return refused(
      `QEMU knows no processor ${model}`,
      model,
      models.filter(isPlain),
      models,
      qemu.program,
    );
  }
  const unknown = probe.map((line) => /Property '[^']*\.([^'.]+)' not found/.exec(line)?.[1]);
  // That of 64-bit processors is asked for by kdock alone: see below.
  const feature = unknown.find((name) => name !== undefined && name !== qemu.has64Bit);
  if (feature !== undefined) {
    return refused(
      `QEMU knows no feature ${feature} of a processor`,
      feature,
      [],
      flags,
      qemu.program,
    );
  }
  const error = probe.map((line) => /^qemu-system-\w+: (?!warning: )(.*)$/.exec(line)?.[1]);
  const why = error.find((text) => text !== undefined);
  if (why !== undefined) {
    return {
      kind: "refused",
      problem: `QEMU refuses it: ${why}`,
      hint: "vm.cpu is MODEL[,+FEATURE][,-FEATURE].",
    };
  }
  if (!probe.some((line) => /"return": (?:true|false|")|^\{"error"/.test(line))) {
    const said = probe.at(-1) ?? "it said nothing";
    return {
      kind: "refused",
      problem: `QEMU made no machine with it: ${said}`,
      hint: "`kdock run` without vm.cpu works?",
    };
  }
  // A processor that is 32-bit by nature lacks the property itself.
  const has64Bit = probe.some((line) => line.includes('"return": true'));
  if (qemu.has64Bit !== undefined && !has64Bit) {
    return {
      kind: "refused",
      problem: "it has no 64-bit mode, which the kernel needs",
      hint: "`max` has all that emulation can do.",
    };
  }
  return { kind: "known", lacking: probe.flatMap((line) => LACKING.exec(line)?.[1] ?? []) };
}

const LACKING = /warning: TCG doesn't support requested feature: \S*?([\w-]+) \[bit \d+\]/;

const MOST_NAMED = 6;

function refused(
  problem: string,
  word: string,
  common: readonly string[],
  all: readonly string[],
  program: string,
): CpuVerdict {
  const close = nearest(word, all);
  const inner = all.filter((name) => name.toLowerCase().includes(word.toLowerCase()));
  const near = [...new Set([...(close === undefined ? [] : [close]), ...inner])].slice(
    0,
    MOST_NAMED,
  );
  const others =
    common.length > 0
      ? `It knows ${common.join(", ")}.`
      : `\`${program} -cpu help\` lists what there is.`;
  const hint = near.length > 0 ? `Did you mean ${near.join(", ")}?` : others;
  return { kind: "refused", problem, hint };
}

/** Without the many versions of the same. */
function isPlain(model: string): boolean {
  return !/-v\d+$|-IBRS|-noTSX|-IBPB/.test(model);
}
