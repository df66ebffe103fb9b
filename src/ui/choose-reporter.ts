import { createJsonReporter } from "./json-reporter.js";
import { createPlainReporter } from "./plain-reporter.js";
import type { Reporter } from "./reporter.js";

export interface ReporterChoice {
  readonly json: boolean;
  /** Whether stderr is a terminal with cursor movements. */
  readonly isTty: boolean;
  readonly verbose: boolean;
  /** False with NO_COLOR. */
  readonly color: boolean;
  readonly stderr: NodeJS.WritableStream;
  readonly stdout: NodeJS.WritableStream;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** With --json, events are the result and go to stdout; otherwise they are progress and go to stderr. */
export async function chooseReporter(choice: ReporterChoice): Promise<Reporter> {
  const { json, isTty, verbose, color, stderr, stdout, now } = choice;
  if (json) return createJsonReporter({ write: (text) => stdout.write(text), now });
  if (!isTty || verbose) {
    return createPlainReporter({ write: (text) => stderr.write(text), now, verbose });
  }
  // Slow to load.
  const { createSpinnerReporter } = await import("./spinner-reporter.js");
  return createSpinnerReporter({ stream: stderr, color, now });
}
