import type { Architecture, Config } from "../../config/config.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { DEBIAN_LINES, expandSource } from "../../config/source-spec.js";
import { slug } from "../../core/plan/names.js";

/** One kernel of a matrix. */
export interface MatrixRow {
  /** The name of the log and the test case: "debian-6.12-tiny". */
  readonly name: string;
  readonly flags: {
    readonly kernel: string;
    readonly preset?: string;
    readonly arch?: string;
  };
}

/** How a row ended; everything but "ok" is a failure. */
export type Verdict =
  | "ok"
  /** The command's exit code was not 0. */
  | "failed"
  | "build failed"
  /** The guest did not become ready. */
  | "no boot"
  /** The VM ended while the command ran, for example by a panic. */
  | "vm ended"
  | "interrupted";

/** The result of a row; values of steps that were not reached are undefined. */
export interface MatrixResult {
  readonly name: string;
  /** "debian:6.12" */
  readonly kernel: string;
  readonly preset: string;
  readonly arch: Architecture;
  /** "6.12.48" */
  readonly release: string | undefined;
  /** The kernel's key, which `kdock run --kernel` takes. */
  readonly key: string | undefined;
  readonly toolchain: string | undefined;
  /** Nothing had to be built. */
  readonly cached: boolean;
  /** Time that this run spent on building, with images and busybox. */
  readonly buildSeconds: number | undefined;
  /** CPU time of the kernel's build, which may have been an earlier run. */
  readonly buildCpuSeconds: number | undefined;
  readonly imageBytes: number | undefined;
  /** By the guest's clock. */
  readonly bootMs: number | undefined;
  readonly commandMs: number | undefined;
  readonly exitCode: number | undefined;
  readonly verdict: Verdict;
  /** The error of a failed row. */
  readonly message: string | undefined;
  /** The command's last lines of output. */
  readonly output: readonly string[];
  /** The command's complete output; undefined when it did not run. */
  readonly logFile: string | undefined;
}

/** The lists that a matrix combines. */
export interface MatrixLists {
  readonly kernels: readonly string[];
  readonly presets: readonly string[];
  readonly archs: readonly string[];
}

/** Each list comes from the command line, else from kdock.yaml, unless a flag such as --preset sets it for all rows. */
export function requestedRows(lists: MatrixLists, flags: KeyFlags, config: Config): MatrixRow[] {
  const { kernels, presets, archs } = config.matrix;
  const words = firstOf(listed(lists.kernels), kernels, DEBIAN_LINES);
  return matrixRows({
    kernels: words.map((word) => expandSource(word, config.kernel)),
    presets: firstOf(listed(lists.presets), flags.preset === undefined ? presets : []),
    archs: firstOf(listed(lists.archs), flags.arch === undefined ? archs : []),
  });
}

/** The first list that is not empty. */
function firstOf(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.find((list) => list.length > 0) ?? [];
}

/** Every kernel with every preset and architecture, in the order of the lists; an empty list keeps kdock.yaml's value. */
export function matrixRows({ kernels, presets, archs }: MatrixLists): MatrixRow[] {
  const rows = new Map<string, MatrixRow>();
  for (const arch of orUndefined(archs)) {
    for (const preset of orUndefined(presets)) {
      for (const kernel of kernels) {
        const name = [kernel, preset, arch]
          .flatMap((word) => word ?? [])
          .map(slug)
          .join("-");
        const flags = {
          ...{ kernel },
          ...(preset === undefined ? {} : { preset }),
          ...(arch === undefined ? {} : { arch }),
        };
        // Duplicates are one row.
        rows.set(name, { name, flags });
      }
    }
  }
  return [...rows.values()];
}

function orUndefined(list: readonly string[]): readonly (string | undefined)[] {
  return list.length === 0 ? [undefined] : list;
}

/** Splits each value at commas and blanks. */
export function listed(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(/[\s,]+/)).filter((word) => word !== "");
}
