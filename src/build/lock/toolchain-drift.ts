import { ENGINE_ARCHITECTURES, type EngineArchitecture } from "../../core/plan/architectures.js";
import { lockOf, type OtherEngines } from "./engine-view.js";
import type { Lock, LockedImage } from "./lock.js";

/** What decides about the bytes of kernels and of busybox: compilers, assemblers and linkers, and what is linked. */
const DECIDING =
  /^(?:(?:gcc|clang|lld|llvm)-\d+|binutils|musl-dev|libc6-dev-\w+-cross|linux-libc-dev)$/;

/**
 * Where a lock pins other compilers for engines of another architecture than for those of this one, a line each: what the
 * two build may differ. Both names of an image are there only after engines of both kinds have resolved it.
 */
export function toolchainDrift(
  lock: Lock,
  engine: EngineArchitecture,
  others: OtherEngines,
): string[] {
  return ENGINE_ARCHITECTURES.filter((other) => other !== engine).flatMap((other) => {
    const theirs = lockOf(others, other).images;
    const lines = Object.entries(lock.images).flatMap(([name, image]) => {
      const their = theirs[name];
      return their === undefined || !/^(?:kernel|busybox)\b/.test(name)
        ? []
        : differences(image, their).map(
            ([program, own, foreign]) =>
              `${program} is ${own} for engines on ${engine}, and ${foreign} for those on ${other}`,
          );
    });
    return [...new Set(lines)];
  });
}

function differences(a: LockedImage, b: LockedImage): [program: string, a: string, b: string][] {
  const [own, foreign] = [versions(a), versions(b)];
  return [...own].flatMap(([program, version]) => {
    const other = foreign.get(program);
    return other === undefined || other === version ? [] : [[program, version, other]];
  });
}

/** By the program's name: for one architecture it is the machine's own, for another a cross compiler of the same version. */
function versions({ packages }: LockedImage): Map<string, string> {
  const found = Object.entries(packages).map(([name, version]) => {
    const program = name.replace(/-(?:x86-64|aarch64|riscv64)-linux-gnu$/, "").replace(/:\w+$/, "");
    // Of a package for cross compiling, and of one that was built once more for one architecture.
    return [program, version.replace(/cross\d+$/, "").replace(/\+b\d+$/, "")] as const;
  });
  return new Map(found.filter(([program]) => DECIDING.test(program)));
}
