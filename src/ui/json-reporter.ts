import type { Reporter } from "./reporter.js";
import { visibleJson } from "./visible.js";

export interface JsonReporterOptions {
  readonly write: (text: string) => unknown;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One JSON object per line: the event, with its time as `time`. */
export function createJsonReporter({ write, now }: JsonReporterOptions): Reporter {
  return {
    emit(event) {
      write(`${visibleJson(JSON.stringify({ time: now(), ...event }))}\n`);
    },
    pause() {
      // Nothing to clear.
    },
  };
}
