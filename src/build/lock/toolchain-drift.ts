import { ENGINE_ARCHITECTURES, type EngineArchitecture } from "../../core/plan/architectures.js";
import { lockOf, type OtherEngines } from "./engine-view.js";
import type { Lock, LockedImage } from "./lock.js";

/** Packages that the bytes of kernels and busybox depend on: compilers, assemblers, linkers, and linked libraries. */
const TOOLCHAIN_PACKAGE =
  /^(?:(?:gcc|clang|lld|llvm)-\d+|binutils|musl-dev|libc6-dev-\w+-cross|linux-libc-dev)$/;

/**
 * A line for each compiler that a lock pins at different versions for engines of different architectures: their builds may
 * differ. Compares only images that engines of both architectures have resolved.
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

/** By the program's name, without the suffix of cross compilers. */
function versions({ packages }: LockedImage): Map<string, string> {
  const found = Object.entries(packages).map(([name, version]) => {
    const program = name.replace(/-(?:x86-64|aarch64|riscv64)-linux-gnu$/, "").replace(/:\w+$/, "");
    // Without the version suffixes of packages for cross compiling, and of binary rebuilds for one architecture.
    return [program, version.replace(/cross\d+$/, "").replace(/\+b\d+$/, "")] as const;
  });
  return new Map(found.filter(([program]) => TOOLCHAIN_PACKAGE.test(program)));
}
