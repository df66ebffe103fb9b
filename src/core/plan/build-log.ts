/** What a container's lines for kdock, not for people, begin with. */
export const EVENT_PREFIX = "@kdock ";

/** What a line of a build container's output means; build.sh and kbuild write them. */
export type BuildLine =
  | { readonly kind: "phase"; readonly phase: string }
  /** How many options are set: the number of objects follows from it, about. */
  | { readonly kind: "options"; readonly count: number }
  | { readonly kind: "object" }
  /** How far a download is. */
  | { readonly kind: "bytes"; readonly done: number; readonly total: number }
  /** The sha256 of the final .config. */
  | { readonly kind: "config"; readonly digest: string }
  /** Something the lock pins is not to be had: what, in words. */
  | { readonly kind: "drift"; readonly text: string }
  /** All files that the build leaves are there. */
  | { readonly kind: "collected" }
  /** Something that the user should know although the build goes on. */
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

/** Seconds of the processors, in the line with which a build says what it used; undefined for any other line. */
export function readCpuTime(line: string): number | undefined {
  const seconds = /^@kdock cpu (\d+)$/.exec(line)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

const CONFIG_DRIFT =
  "the kernel's final .config is another one, though nothing that it is made from changed";

function driftText([, name = "", locked = "", available = ""]: RegExpExecArray): string {
  if (available === "none") return `${name} ${locked} is gone, and there is no other version`;
  if (available === locked) return `${name} ${locked} has other contents now`;
  if (locked === "none") return `${name} is needed now (${available})`;
  return `${name} ${locked} → ${available}`;
}

/**
 * Objects a kernel with so many options =y or =m compiles. Measured on 6.12 and 6.1: 1.7 to 1.9 objects an option from
 * 650 to 950 options; only the progress display uses it.
 */
export function aboutObjects(options: number): number {
  return Math.round((options * 1.75) / 50) * 50;
}

const TELLING = /\berror\b[: ]|\*\*\*|undefined reference|No space left|fatal:|Killed/i;
const CONTEXT_AFTER = 4;
const MAX_TAIL = 30;

/**
 * The lines of a failed build that matter: those that name an error with what belongs to them (a compiler's excerpt, an
 * indented list), or the end of the log when none does. With parallel make the first error may stand hundreds of lines
 * above the end.
 */
export function tellingLines(log: readonly string[]): string[] {
  const keep = new Set<number>();
  log.forEach((line, index) => {
    if (!TELLING.test(line) || line.startsWith("@kdock")) return;
    for (let near = index; near <= endOfContext(log, index); near += 1) keep.add(near);
  });
  const chosen = [...keep].sort((a, b) => a - b).flatMap((index) => log[index] ?? []);
  const told = chosen.length > 0 ? chosen.slice(0, MAX_TAIL) : log.slice(-MAX_TAIL);
  return told.filter((line) => !line.startsWith("@kdock"));
}

/** kbuild indents its progress by two blanks and a word in capitals; that is not an excerpt. */
function endOfContext(log: readonly string[], index: number): number {
  let end = index;
  while (/^\s+(?![A-Z]{2,}\b)\S/.test(log[end + 1] ?? "")) end += 1;
  return Math.max(end, index + CONTEXT_AFTER);
}
