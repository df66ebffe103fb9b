import { KdockError } from "../../core/errors.js";
import { compareVersions, NEWEST, parseVersion, toolchainFor } from "./toolchain.js";

type Version = readonly [number, number];

/**
 * Kernel version (inclusive lower bound) → the oldest clang that it takes on x86: scripts/min-tool-version.sh of these
 * trees, where lower numbers end the build in Kconfig. gcc's bounds (8.1 since 6.15) are below all that Debian has here.
 */
const OLDEST_CLANG: readonly (readonly [version: Version, clang: number])[] = [
  [[6, 15], 15],
  [[6, 9], 13],
  [[5, 18], 11],
];

/** Rejects a compiler that cannot build this tree, before anything is built with it. */
export function checkCompiler(kernelVersion: string, compiler: string): void {
  const problem = compilerProblem(kernelVersion, compiler);
  if (problem === undefined) return;
  throw new KdockError("config", `kernel.toolchain: ${problem}`, {
    hint: `Leave kernel.toolchain at auto: that is ${toolchainFor(kernelVersion, "auto").compiler} for Linux ${kernelVersion}.`,
  });
}

/** In words; undefined for one that will do. */
export function compilerProblem(kernelVersion: string, compiler: string): string | undefined {
  const version = parseVersion(kernelVersion);
  const { kind, number } = parts(compiler);
  const oldest = OLDEST_CLANG.find(([from]) => compareVersions(version, from) >= 0)?.[1] ?? 0;
  if (kind === "clang" && number < oldest) {
    return `${compiler} is too old for Linux ${kernelVersion}, which asks for clang-${oldest} or later`;
  }
  return undefined;
}

/** What to say beforehand of a compiler that is younger than the tree; undefined where there is nothing to say. */
export function compilerWarning(kernelVersion: string, compiler: string): string | undefined {
  const usual = toolchainFor(kernelVersion, "auto").compiler;
  // Where the newest of a distribution is the usual one, another newest of the same is no adventure.
  const newest = toolchainFor(NEWEST, "auto").compiler;
  if (usual === newest || !isYounger(kernelVersion, compiler)) return undefined;
  return `${compiler} is younger than Linux ${kernelVersion}: should the build fail, kernel.toolchain: auto takes ${usual}`;
}

/** Whether a compiler is younger than the one that suits a tree's age: the first thing to suspect when a build fails. */
export function isYounger(kernelVersion: string, compiler: string): boolean {
  const [given, usual] = [parts(compiler), parts(toolchainFor(kernelVersion, "auto").compiler)];
  return given.kind === usual.kind
    ? given.number > usual.number
    : given.number > clangOfGcc(usual.number);
}

/** The clang of a gcc's year: 10 → 10, 12 → 14, 14 → 18. */
const clangOfGcc = (gcc: number) => (gcc - 10) * 2 + 10;

function parts(compiler: string): { kind: string; number: number } {
  const [kind = "", number = "0"] = compiler.split("-");
  return { kind, number: Number(number) };
}
