import { formatDuration } from "../../ui/duration.js";
import { formatBytes } from "../../ui/step-text.js";
import { table } from "../../ui/table.js";

interface Row {
  readonly key: string;
  readonly release: string;
  readonly source: string;
  readonly preset: string;
  readonly arch: string;
  readonly toolchain: string;
  readonly bytes: number;
  readonly builtAt: number;
  readonly current: boolean;
}

/** As git itself shortens one; --json has all of it. */
const WHOLE_COMMIT = /#([\da-f]{12})[\da-f]{28}$/;

/** `kdock kernels`, for people. `now`: milliseconds since 1970. */
export function kernelsTable(rows: readonly Row[], now: number): readonly string[] {
  if (rows.length === 0) return ["no kernel is built here: `kdock build` builds one"];
  const head = ["KEY", "RELEASE", "SOURCE", "PRESET", "ARCH"];
  return table(
    [
      ["", ...head, "TOOLCHAIN", "SIZE", "BUILT"],
      ...rows.map((row) => [
        row.current ? "*" : "",
        row.key,
        row.release,
        row.source.replace(WHOLE_COMMIT, "#$1"),
        row.preset,
        row.arch,
        row.toolchain,
        formatBytes(row.bytes),
        `${age(now - row.builtAt)} ago`,
      ]),
    ],
    ["left", "left", "left", "left", "left", "left", "left", "right"],
  );
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** "12 s", "4 min", "3 h 5 min", "12 days". */
function age(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`;
  return formatDuration(Math.max(0, ms)).replace(/(min) \d+ s$/, "$1");
}
