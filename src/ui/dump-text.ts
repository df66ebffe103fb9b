import { formatBytes } from "./step-text.js";

export function dumpText({ path, sizeBytes }: { path: string; sizeBytes: number }): string[] {
  return [`memory: ${path}  (${formatBytes(sizeBytes)})`];
}
