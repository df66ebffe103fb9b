import type { Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { kernelVersion, type KnownSources } from "./kernel-version.js";

export type Suite = "bullseye" | "bookworm" | "trixie";

export interface Toolchain {
  /** The builder image's Debian suite. */
  readonly suite: Suite;
  /** gcc-N or clang-N, the name of the Debian package. */
  readonly compiler: string;
}

/**
 * Kernel version (inclusive lower bound) → the toolchain that was current when it was released: older trees do not build with
 * newer compilers. Debian's kernels of these suites are built with the same compilers.
 */
const TABLE: readonly (readonly [version: readonly [number, number], Toolchain])[] = [
  [[6, 7], { suite: "trixie", compiler: "gcc-14" }],
  [[5, 15], { suite: "bookworm", compiler: "gcc-12" }],
  [[0, 0], { suite: "bullseye", compiler: "gcc-10" }],
];

/** The suite that has a compiler's package. */
const COMPILERS: Readonly<Record<string, Suite>> = {
  "gcc-9": "bullseye",
  "gcc-10": "bullseye",
  "clang-11": "bullseye",
  "clang-13": "bullseye",
  "gcc-11": "bookworm",
  "gcc-12": "bookworm",
  "clang-14": "bookworm",
  "clang-15": "bookworm",
  "clang-16": "bookworm",
  "gcc-13": "trixie",
  "gcc-14": "trixie",
  "clang-17": "trixie",
  "clang-18": "trixie",
  "clang-19": "trixie",
};

/** The toolchain of a configuration's kernel; the newest one if its version is not known yet. */
export function kernelToolchain(config: Pick<Config, "kernel">, known?: KnownSources): Toolchain {
  return toolchainFor(kernelVersion(config, known) ?? NEWEST, config.kernel.toolchain);
}

/** Newer than any kernel: stands for a version that is not known yet. */
export const NEWEST = "99.0";

/** The toolchain for a kernel "X.Y" or "X.Y.Z"; `wanted` is kernel.toolchain of kdock.yaml. */
export function toolchainFor(kernelVersion: string, wanted: string): Toolchain {
  if (wanted !== "auto") {
    const suite = COMPILERS[wanted];
    if (suite === undefined) {
      throw new KdockError(
        "config",
        `kernel.toolchain: no Debian suite that kdock uses has ${wanted}`,
        {
          hint: `Choose auto or one of ${Object.keys(COMPILERS).join(", ")}.`,
        },
      );
    }
    return { suite, compiler: wanted };
  }
  const version = parseVersion(kernelVersion);
  const row = TABLE.find(([from]) => compareVersions(version, from) >= 0);
  if (row === undefined) throw new Error(`no toolchain for ${kernelVersion}`);
  return row[1];
}

/** "6.12.30-rc1" → [6, 12] */
export function parseVersion(text: string): readonly [number, number] {
  const [major = 0, minor = 0] = text.split(/[.-]/).map(Number);
  return [major, minor];
}

export function compareVersions(
  a: readonly [number, number],
  b: readonly [number, number],
): number {
  return a[0] - b[0] || a[1] - b[1];
}
