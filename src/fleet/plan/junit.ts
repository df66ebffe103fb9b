/** A test case of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  /** Seconds. */
  readonly time: number;
  /** For <system-out>. */
  readonly output: string;
  /** Undefined for a passed test. */
  readonly failure:
    { readonly message: string; readonly type: string; readonly text: string } | undefined;
  /** Interrupted before its end. */
  readonly skipped: boolean;
}

/** A report of one suite in Ant's JUnit XML format, which CI services read. */
export function junitReport(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter((each) => each.skipped).length;
  const time = cases.reduce((sum, each) => sum + each.time, 0);
  const counts = { tests: cases.length, failures, errors: 0, skipped, time: time.toFixed(3) };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: suite, ...counts })}>`,
    `  <testsuite${attributes({ name: suite, ...counts })}>`,
    ...cases.flatMap((each) => caseLines(suite, each)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines(suite: string, { name, time, output, failure, skipped }: JunitCase): string[] {
  return [
    `    <testcase${attributes({ classname: suite, name, time: time.toFixed(3) })}>`,
    ...(failure === undefined
      ? []
      : [
          `      <failure${attributes({ message: failure.message, type: failure.type })}>${xmlText(failure.text)}</failure>`,
        ]),
    ...(skipped ? ["      <skipped/>"] : []),
    ...(output === "" ? [] : [`      <system-out>${xmlText(output)}</system-out>`]),
    "    </testcase>",
  ];
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        ` ${name}="${xmlText(String(value)).replace(/\n/g, "&#10;").replace(/\t/g, "&#9;")}"`,
    )
    .join("");
}

/** Escapes text for an element or an attribute; characters that XML does not allow, such as ESC, are removed. */
export function xmlText(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- the expression removes control characters
      .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
  );
}
