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

/** What was made, from what, and the proof: manifest.json beside the artifacts. */
export interface Manifest {
  readonly kdock: 1;
  readonly stage: string;
  readonly key: string;
  readonly inputs: KeyInputs;
  /** What was resolved on the way: base image, builder image, source package, compiler. */
  readonly resolved: Readonly<Record<string, string>>;
  /** The environment and the command lines that made it, as a person would type them. */
  readonly commands?: readonly string[];
  /** The C files of kernel.deoptimize, each with what it was compiled with: "-Og", "-O1", or "normal". */
  readonly deoptimized?: Readonly<Record<string, string>>;
  /** What an old tree needed to build with younger tools, by name: why (images/kernel/compat.sh). */
  readonly compat?: Readonly<Record<string, string>>;
  /** Versions of the tools that took part, by name. */
  readonly tools?: Readonly<Record<string, string>>;
  /** What the build cost when it was made; differs from machine to machine. */
  readonly cost?: BuildCost;
  readonly files: readonly ManifestFile[];
}

export interface BuildCost {
  readonly wallSeconds: number;
  /** Of the processors, user and system; what the compiler cache spared is not in it. */
  readonly cpuSeconds: number | undefined;
}
