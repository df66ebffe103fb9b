import { type JunitCase, junitReport } from "./junit.js";
import type { MatrixResult } from "./matrix.js";

/** A JUnit report with a test case per row. */
export function matrixJunit(results: readonly MatrixResult[], command: string): string {
  return junitReport(
    "kdock.matrix",
    results.map((result) => testCase(result, command)),
  );
}

function testCase(result: MatrixResult, command: string): JunitCase {
  const { name, verdict, message, output, exitCode } = result;
  const text = output.join("\n");
  const isFailure = verdict !== "ok" && verdict !== "interrupted";
  return {
    name: result.release === undefined ? name : `${name} (${result.release})`,
    time: (result.buildSeconds ?? 0) + ((result.bootMs ?? 0) + (result.commandMs ?? 0)) / 1000,
    output: isFailure ? "" : text,
    failure: isFailure
      ? {
          type: verdict,
          message: message ?? `${command}: exit code ${exitCode ?? "unknown"}`,
          text: [message ?? "", text].filter((part) => part !== "").join("\n\n"),
        }
      : undefined,
    skipped: verdict === "interrupted",
  };
}
