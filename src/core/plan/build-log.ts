/** Prefix of output lines of a container that are events for kdock. */
export const EVENT_PREFIX = "@kdock ";

/** A parsed line of a build container's output, from build.sh or kbuild. */
export type BuildLine =
  | { readonly kind: "phase"; readonly phase: string }
  /** How many options are set: the number of objects is estimated from it. */
  | { readonly kind: "options"; readonly count: number }
  | { readonly kind: "object" }
  /** Progress of a download. */
  | { readonly kind: "bytes"; readonly done: number; readonly total: number }
  /** The sha256 of the final .config. */
  | { readonly kind: "config"; readonly digest: string }
  /** A version that the lock pins is not available. */
  | { readonly kind: "drift"; readonly text: string }
  /** All output files are written. */
  | { readonly kind: "collected" }
  /** A warning for the user; the build continues. */
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "text" };

const OBJECT = /^ {2}(?:CC|AS|HOSTCC|CC \[M\]|LD \[M\]) +\S/;

export function readBuildLine(line: string): BuildLine {
  const drift = /^@kdock drift (\S+) (\S+) (\S+)$/.exec(line);
  if (drift !== null) return { kind: "drift", text: driftText(drift) };
  if (line === "@kdock collected") return { kind: "collected" };
  if (line === "@kdock config-drift") return { kind: "drift", text: CONFIG_DRIFT };
  const bytes = /^@kdock bytes (\d+) (\d+)$/.exec(line);
  if (bytes !== null) return { kind: "bytes", done: Number(bytes[1]), total: Number(bytes[2]) };
  const marker = /^@kdock (\w+) (.*)$/.exec(line);
  if (marker?.[1] === "phase") return { kind: "phase", phase: marker[2] ?? "" };
  if (marker?.[1] === "options") return { kind: "options", count: Number(marker[2]) };
  if (marker?.[1] === "config") return { kind: "config", digest: marker[2] ?? "" };
  if (marker?.[1] === "notice") return { kind: "notice", text: marker[2] ?? "" };
  return OBJECT.test(line) ? { kind: "object" } : { kind: "text" };
}

/** CPU seconds, from a build's event `cpu`; undefined for any other line. */
export function readCpuTime(line: string): number | undefined {
  const seconds = /^@kdock cpu (\d+)$/.exec(line)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

const CONFIG_DRIFT =
  "the kernel's final .config differs from the lock's, although no input of it changed";

function driftText([, name = "", locked = "", available = ""]: RegExpExecArray): string {
  if (available === "none")
    return `${name} ${locked} is not available any more, and there is no other version`;
  if (available === locked) return `${name} ${locked} has different contents now`;
  if (locked === "none") return `${name} is needed now (${available})`;
  return `${name} ${locked} → ${available}`;
}

/**
 * Estimates the objects of a kernel with so many options =y or =m, for the progress display. Measured on 6.12 and 6.1: 1.7 to
 * 1.9 objects an option from 650 to 950 options.
 */
export function aboutObjects(options: number): number {
  return Math.round((options * 1.75) / 50) * 50;
}

const ERROR_LINE = /\berror\b[: ]|\*\*\*|undefined reference|No space left|fatal:|Killed/i;
const CONTEXT_AFTER = 4;
const MAX_TAIL = 30;

/**
 * The error lines of a failed build, with their context (a compiler's excerpt, an indented list), or the end of the log if
 * there are none. With parallel make the first error may be hundreds of lines above the end.
 */
export function errorLines(log: readonly string[]): string[] {
  const keep = new Set<number>();
  log.forEach((line, index) => {
    if (!ERROR_LINE.test(line) || line.startsWith("@kdock")) return;
    for (let near = index; near <= endOfContext(log, index); near += 1) keep.add(near);
  });
  const chosen = [...keep].sort((a, b) => a - b).flatMap((index) => log[index] ?? []);
  const shown = chosen.length > 0 ? chosen.slice(0, MAX_TAIL) : log.slice(-MAX_TAIL);
  return shown.filter((line) => !line.startsWith("@kdock"));
}

/** A line of kbuild's progress, two blanks and a word in capitals, is not context. */
function endOfContext(log: readonly string[], index: number): number {
  let end = index;
  while (/^\s+(?![A-Z]{2,}\b)\S/.test(log[end + 1] ?? "")) end += 1;
  return Math.max(end, index + CONTEXT_AFTER);
}
