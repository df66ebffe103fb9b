export type Verdict = "ok" | "warn" | "fail";

/** The result of one check. */
export interface Finding {
  readonly verdict: Verdict;
  readonly subject: string;
  readonly text: string;
  /** What to do about it; undefined if nothing. */
  readonly mend: string | undefined;
}

export function ok(subject: string, text: string): Finding {
  return { verdict: "ok", subject, text, mend: undefined };
}

export function fail(subject: string, text: string, mend: string): Finding {
  return { verdict: "fail", subject, text, mend };
}

export function warn(subject: string, text: string, mend?: string): Finding {
  return { verdict: "warn", subject, text, mend };
}
