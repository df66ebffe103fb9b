import { KdockError } from "../../core/errors.js";
import { compareVersions, NEWEST, parseVersion, toolchainFor } from "./toolchain.js";

type Version = readonly [number, number];

/**
 * Kernel version (inclusive lower bound) → the oldest clang that it supports on x86, from scripts/min-tool-version.sh of these
 * trees; Kconfig fails with an older one. gcc's bounds (8.1 since 6.15) are below all versions in the suites used.
 */
const OLDEST_CLANG: readonly (readonly [version: Version, clang: number])[] = [
  [[6, 15], 15],
  [[6, 9], 13],
  [[5, 18], 11],
];

/** Throws a `config` error for a compiler that cannot build this tree. */
export function checkCompiler(kernelVersion: string, compiler: string): void {
  const problem = compilerProblem(kernelVersion, compiler);
  if (problem === undefined) return;
  throw new KdockError("config", `kernel.toolchain: ${problem}`, {
    hint: `Leave kernel.toolchain at auto: that is ${toolchainFor(kernelVersion, "auto").compiler} for Linux ${kernelVersion}.`,
  });
}

/** The message; undefined for a supported compiler. */
export function compilerProblem(kernelVersion: string, compiler: string): string | undefined {
  const version = parseVersion(kernelVersion);
  const { kind, number } = parts(compiler);
  const oldest = OLDEST_CLANG.find(([from]) => compareVersions(version, from) >= 0)?.[1] ?? 0;
  if (kind === "clang" && number < oldest) {
    return `${compiler} is too old for Linux ${kernelVersion}, which needs clang-${oldest} or later`;
  }
  return undefined;
}

/** A warning for a compiler that is newer than the tree; otherwise undefined. */
export function compilerWarning(kernelVersion: string, compiler: string): string | undefined {
  const usual = toolchainFor(kernelVersion, "auto").compiler;
  // No warning for trees whose usual compiler is the newest one: other newest compilers build them, too.
  const newest = toolchainFor(NEWEST, "auto").compiler;
  if (usual === newest || !isCompilerNewer(kernelVersion, compiler)) return undefined;
  return `${compiler} is newer than Linux ${kernelVersion}: if the build fails, kernel.toolchain: auto uses ${usual}`;
}

/** Whether a compiler is newer than the usual one for a tree: a likely cause of a failed build. */
export function isCompilerNewer(kernelVersion: string, compiler: string): boolean {
  const [given, usual] = [parts(compiler), parts(toolchainFor(kernelVersion, "auto").compiler)];
  return given.kind === usual.kind
    ? given.number > usual.number
    : given.number > clangOfGcc(usual.number);
}

/** The clang released in the same year as a gcc: 10 → 10, 12 → 14, 14 → 18. */
const clangOfGcc = (gcc: number) => (gcc - 10) * 2 + 10;

function parts(compiler: string): { kind: string; number: number } {
  const [kind = "", number = "0"] = compiler.split("-");
  return { kind, number: Number(number) };
}
