import { formatDuration } from "./duration.js";
import { formatBytes } from "./step-text.js";

export function dumpText(dump: { path: string; sizeBytes: number; ms: number }): string[] {
  return [`memory: ${dump.path}  (${formatBytes(dump.sizeBytes)}, ${formatDuration(dump.ms)})`];
}
