/** The output of images/verify/explain.py for one file that differs. */
export interface Explanation {
  readonly file: string;
  readonly where: readonly {
    readonly kind: string;
    readonly name: string;
    readonly detail: string;
  }[];
  /** Undefined or null if no rule matches. */
  readonly cause?: string | null;
  /** Objects, sources or generated headers that cause the difference. */
  readonly culprits: readonly string[];
  readonly diffoscope: string;
}

export interface VerifiedStage {
  readonly stage: string;
  readonly key: string;
  /** Number of compared files. */
  readonly files: number;
  /** Paths whose contents differ, or that exist in one build only. */
  readonly differing: readonly string[];
  readonly explanations: readonly Explanation[];
  /** Absolute path of the second build's artifacts; kept if files differ. */
  readonly kept: string | undefined;
  readonly ms: number;
}

/** The result of `kdock verify`. */
export interface Verification {
  readonly equal: boolean;
  readonly varied: readonly string[];
  readonly stages: readonly VerifiedStage[];
}

/** The result of comparing a local build with another manifest. */
export interface ManifestComparison {
  readonly stage: string;
  readonly equal: boolean;
  /** Differing inputs and resolved versions, as text. */
  readonly inputs: readonly string[];
  readonly differing: readonly string[];
  readonly files: number;
}
