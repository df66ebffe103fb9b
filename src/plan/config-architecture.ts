import type { Architecture } from "../config/config.js";
import { KdockError } from "../errors.js";
import { ARCHITECTURES } from "./architectures.js";

/** What a .config is for, as kdock names it where kdock knows it; undefined where the text does not say. */
export function configArchitecture(text: string): string | undefined {
  const has = (option: string) => new RegExp(`^CONFIG_${option}=y$`, "m").test(text);
  if (has("UML")) return "um";
  if (has("X86_64")) return "x86_64";
  if (has("X86_32")) return "i386";
  if (has("ARM64")) return "arm64";
  if (has("RISCV")) return has("64BIT") ? "riscv64" : "riscv32";
  // The kernel's own first line, also of architectures that kdock has never heard of.
  const named = /^# Linux\/(\w+) .*Kernel Configuration$/m.exec(text)?.[1];
  if (named === "x86" || named === "riscv") return undefined;
  return named;
}

/**
 * Throws a `config` error for a .config of another architecture. Kconfig itself would drop without a word what it does not
 * know, and leave a kernel that nobody asked for.
 */
export function requireArchitecture(text: string, wanted: Architecture, file: string): void {
  const found = configArchitecture(text);
  if (found === undefined || found === wanted) return;
  throw new KdockError(
    "config",
    `kernel.preset: ${file} is a .config for ${found}, and this kernel is for ${wanted}`,
    {
      hint: Object.hasOwn(ARCHITECTURES, found)
        ? `\`--arch ${found}\` (kernel.arch: ${found}) builds one for ${found}; or name a .config for ${wanted}.`
        : `kdock builds for ${Object.keys(ARCHITECTURES).join(", ")}: name a .config for ${wanted}.`,
    },
  );
}
