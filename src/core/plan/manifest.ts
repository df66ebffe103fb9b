import type { KeyInputs } from "./keys.js";

/** One file of an artifact set. */
export interface ManifestFile {
  readonly path: string;
  readonly kind: "file" | "symlink";
  readonly size: number;
  /** "" for links. */
  readonly sha256: string;
  /** The link's text, "" for files. */
  readonly target: string;
}

/** manifest.json beside the artifacts: inputs, commands, tool versions, and a sha256 of each file. */
export interface Manifest {
  readonly kdock: 1;
  readonly stage: string;
  readonly key: string;
  readonly inputs: KeyInputs;
  /** Versions resolved during the build: base image, builder image, source package, compiler. */
  readonly resolved: Readonly<Record<string, string>>;
  /** The environment and the command lines of the build, as typed in a shell. */
  readonly commands?: readonly string[];
  /** The C files of kernel.deoptimize, each with its optimization: "-Og", "-O1", or "normal". */
  readonly deoptimized?: Readonly<Record<string, string>>;
  /** Workarounds that an old tree needed with newer tools, by name, with the reason (images/kernel/compat.sh). */
  readonly compat?: Readonly<Record<string, string>>;
  /** Versions of the tools used, by name. */
  readonly tools?: Readonly<Record<string, string>>;
  /** Time that the build took; differs from machine to machine. */
  readonly cost?: BuildCost;
  readonly files: readonly ManifestFile[];
}

export interface BuildCost {
  readonly wallSeconds: number;
  /** User and system time; without the time saved by the compiler cache. */
  readonly cpuSeconds: number | undefined;
}
