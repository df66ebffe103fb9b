/**
 * The architecture of a .config: kdock's name if it has one ("x86_64", "arm64", "riscv64"), otherwise the kernel's ("s390");
 * undefined if the text does not contain it. With a .config of another architecture, `make` drops unknown options silently.
 */
export function configArch(text: string): string | undefined {
  const set = new Set([...text.matchAll(/^CONFIG_(\w+)=y\r?$/gm)].map(([, name]) => name ?? ""));
  const title = /^# Linux\/(\w+) .*Kernel Configuration\r?$/m.exec(text)?.[1];
  const mark = MARKS.find(({ options }) => options.every((option) => set.has(option)));
  if (mark !== undefined) return mark.arch;
  if (title === "x86") return set.has("X86_32") || !set.has("64BIT") ? "i386" : "x86_64";
  if (title === "riscv") return set.has("32BIT") ? "riscv32" : "riscv64";
  return title;
}

/** Options that only one architecture sets. */
const MARKS = [
  // Before x86, whose options it sets, too.
  { arch: "um", options: ["UML"] },
  { arch: "x86_64", options: ["X86_64"] },
  { arch: "i386", options: ["X86_32"] },
  { arch: "arm64", options: ["ARM64"] },
  { arch: "arm", options: ["ARM"] },
  { arch: "riscv64", options: ["RISCV", "64BIT"] },
  { arch: "riscv32", options: ["RISCV"] },
  { arch: "s390", options: ["S390"] },
  { arch: "powerpc", options: ["PPC"] },
  { arch: "mips", options: ["MIPS"] },
  { arch: "loongarch", options: ["LOONGARCH"] },
] as const;

/** The error of building for `wanted` from this .config; undefined if there is none. */
export function archProblem(
  text: string,
  wanted: string,
): { readonly found: string; readonly message: string } | undefined {
  const found = configArch(text);
  if (found === undefined || found === wanted) return undefined;
  return { found, message: `it is a configuration for ${found}, and the kernel is for ${wanted}` };
}
