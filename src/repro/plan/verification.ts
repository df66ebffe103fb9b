/** What images/verify/explain.py says about one file that differs. */
export interface Explanation {
  readonly file: string;
  readonly where: readonly {
    readonly kind: string;
    readonly name: string;
    readonly detail: string;
  }[];
  /** undefined or null when no rule fits. */
  readonly cause?: string | null;
  /** Objects, sources or generated headers that it comes from. */
  readonly culprits: readonly string[];
  readonly diffoscope: string;
}

export interface VerifiedStage {
  readonly stage: string;
  readonly key: string;
  /** How many files were compared. */
  readonly files: number;
  /** Paths whose contents differ, or that only one build has. */
  readonly differing: readonly string[];
  readonly explanations: readonly Explanation[];
  /** Absolute path of the second build's artifacts, kept when something differs. */
  readonly kept: string | undefined;
  readonly ms: number;
}

/** What `kdock verify` found out. */
export interface Verification {
  readonly equal: boolean;
  readonly varied: readonly string[];
  readonly stages: readonly VerifiedStage[];
}

/** What was built here against a colleague's manifest. */
export interface ManifestComparison {
  readonly stage: string;
  readonly equal: boolean;
  /** Inputs and resolved facts that are not the same, in words. */
  readonly inputs: readonly string[];
  readonly differing: readonly string[];
  readonly files: number;
}
