import { formatDuration } from "../../ui/duration.js";
import { formatBytes } from "../../ui/step-text.js";

export function dumpText(dump: { path: string; sizeBytes: number; ms: number }): string[] {
  return [`memory: ${dump.path}  (${formatBytes(dump.sizeBytes)}, ${formatDuration(dump.ms)})`];
}
