export interface Finding {
  readonly verdict: "ok" | "warn" | "fail";
  readonly subject: string;
  readonly text: string;
  readonly mend: string | undefined;
}

const MARK = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** The text of `kdock doctor`: a line for each finding, followed by what to do. */
export function doctorText(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ verdict, subject, text, mend }) => [
    `${MARK[verdict]}  ${subject.padEnd(10)}  ${text}`,
    ...(mend === undefined ? [] : [`      ${" ".repeat(10)}  → ${mend}`]),
  ]);
}
