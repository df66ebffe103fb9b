const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** "0.4 s", "12 s", "4 min 31 s", "1 h 2 min". */
export function formatDuration(ms: number): string {
  // 9.95 s rounds to "10 s": the limits are those of the rounded values.
  if (ms < 10 * SECOND_MS - 50) return `${(ms / SECOND_MS).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "00:01:22": of constant width, for a display that is updated. */
export function formatClock(ms: number): string {
  const parts = [ms / HOUR_MS, (ms % HOUR_MS) / MINUTE_MS, (ms % MINUTE_MS) / SECOND_MS];
  return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}
