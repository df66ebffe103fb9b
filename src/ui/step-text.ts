import { formatDuration } from "./duration.js";
import type { Event } from "./reporter.js";

type Of<T extends Event["type"]> = Extract<Event, { type: T }>;
export type Progress = Of<"progress">;

/** The width of the longest common step name, to align the texts. */
const LABEL_WIDTH = "busybox".length;

export function stepLabel(step: string): string {
  return step.padEnd(LABEL_WIDTH);
}

/** "812 of about 1900 objects", "43 % of 92.1 MB", "12.0 MB". */
export function progressText({ done, total, unit, about }: Progress): string {
  if (unit === "bytes") {
    if (total === undefined) return formatBytes(done);
    return `${percent(done, total)} % of ${about ? "about " : ""}${formatBytes(total)}`;
  }
  if (total === undefined) return `${done} ${unit}`;
  // Instead of "1950 of about 1900" if the estimate was too low.
  if (done > total) return `${done} ${unit}`;
  return `${done} of ${about ? "about " : ""}${total} ${unit}`;
}

export function percent(done: number, total: number): number {
  return total <= 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let value = bytes / 1000;
  while (value >= 999.95 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value.toFixed(1)} ${units[0] ?? ""}`;
}

/** "6.12.117  (4 min 31 s)", "up to date". */
export function doneText({ cached, summary, ms }: Of<"step-done">): string {
  if (cached) return summary === undefined ? "up to date" : `up to date  (${summary})`;
  return `${summary ?? "done"}  (${formatDuration(ms)})`;
}

/** The lines below that of a failed step. */
export function failureLines(tail: readonly string[], logFile: string | undefined): string[] {
  const lines = tail.map((line) => `    ${logText(line)}`);
  return logFile === undefined ? lines : [...lines, `  the whole log: ${logFile}`];
}

/** A log line without colour codes. */
export function logText(line: string): string {
  // eslint-disable-next-line no-control-regex -- CSI … m selects a colour, and nothing else
  return line.replace(/\u001b\[[0-9;:]*m/g, "").replace(/\r+$/, "");
}
