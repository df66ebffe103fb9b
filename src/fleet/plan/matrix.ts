import type { Architecture, Config } from "../../config/config.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { DEBIAN_LINES, expandSource } from "../../config/source-spec.js";
import { slug } from "../../core/plan/names.js";

/** One kernel of a matrix, as the flags that ask for it. */
export interface MatrixRow {
  /** "debian-6.12-tiny": of its log and its test case. */
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
  /** The guest never got ready. */
  | "no boot"
  /** The VM ended under the command, as in a panic. */
  | "vm ended"
  | "interrupted";

/** What is known about a row; what it did not get to is undefined. */
export interface MatrixResult {
  readonly name: string;
  /** "debian:6.12" */
  readonly kernel: string;
  readonly preset: string;
  readonly arch: Architecture;
  /** "6.12.48" */
  readonly release: string | undefined;
  /** Of the kernel's artifacts: what `kdock run --kernel` takes. */
  readonly key: string | undefined;
  readonly toolchain: string | undefined;
  /** Nothing had to be built. */
  readonly cached: boolean;
  /** Seconds of this run that building took, images and busybox included. */
  readonly buildSeconds: number | undefined;
  /** Of the processors, when the kernel was built. */
  readonly buildCpuSeconds: number | undefined;
  readonly imageBytes: number | undefined;
  /** By the guest's clock. */
  readonly bootMs: number | undefined;
  readonly commandMs: number | undefined;
  readonly exitCode: number | undefined;
  readonly verdict: Verdict;
  /** Why, for one that failed. */
  readonly message: string | undefined;
  /** The end of what the command wrote. */
  readonly output: readonly string[];
  /** Everything it wrote; undefined when it never ran. */
  readonly logFile: string | undefined;
}

/** What a matrix combines. */
export interface MatrixLists {
  readonly kernels: readonly string[];
  readonly presets: readonly string[];
  readonly archs: readonly string[];
}

/** The rows of a matrix: a list of the command line, else kdock.yaml's, unless a flag sets the key for all rows. */
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

/** Every kernel with every preset and architecture, in the order of the lists; a list without any leaves kdock.yaml's word. */
export function matrixRows({ kernels, presets, archs }: MatrixLists): MatrixRow[] {
  const rows = new Map<string, MatrixRow>();
  for (const arch of orNothing(archs)) {
    for (const preset of orNothing(presets)) {
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
        // The same word twice is one row.
        rows.set(name, { name, flags });
      }
    }
  }
  return [...rows.values()];
}

function orNothing(list: readonly string[]): readonly (string | undefined)[] {
  return list.length === 0 ? [undefined] : list;
}

/** "5.10,6.1" and "5.10 6.1", given once or several times. */
export function listed(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(/[\s,]+/)).filter((word) => word !== "");
}
