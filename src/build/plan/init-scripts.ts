/** Where `rootfs.init` and `rootfs.strict` are in the guest's root; images/rootfs/tree/init looks there. */
export const INIT = { scripts: "etc/kdock/init.d", strict: "etc/kdock/strict" } as const;

/** Numbered, because the guest runs them in the order of their names: "001-routes.sh". */
export function initScriptName(path: string, index: number): string {
  const base = (path.split(/[\\/]/).at(-1) ?? "").replace(/[^\w.+-]+/g, "-");
  return `${String(index + 1).padStart(3, "0")}-${base}`;
}

/** Why a guest's shell could make nothing of a file; undefined when it could. Programs are no scripts, and fine. */
export function scriptProblem(content: Uint8Array): string | undefined {
  if (content.length === 0) return "is empty";
  if (content[0] === 0x7f) return undefined;
  const at = Buffer.from(content.buffer, content.byteOffset, content.byteLength).indexOf("\r\n");
  if (at < 0) return undefined;
  const line = content.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
  return `has the line ends of Windows (CRLF, line ${line}): no shell of Linux reads that`;
}

/** A script of the guest's boot that did not end with 0. */
export interface InitFailure {
  /** Its path in the guest. */
  readonly script: string;
  readonly exitCode: number;
  /** The boot ended there. */
  readonly strict: boolean;
  /** The last lines of what it said. */
  readonly output: readonly string[];
}

/** What a console has told about the guest's init scripts so far. */
export interface InitProgress {
  /** The one that runs, and what it has said. */
  readonly running: { readonly script: string; readonly output: readonly string[] } | undefined;
  /** The one that the last line was about, if it has failed. */
  readonly failed: InitFailure | undefined;
}

export const NOTHING_RAN: InitProgress = { running: undefined, failed: undefined };

const OUTPUT_LINES = 10;

/** As images/rootfs/tree/init words it, behind the time that the kernel puts before it. */
const MARK =
  /kdock: init script (.+) (?:begins|is done|failed with exit code (\d+)(; rootfs\.strict ends the boot here)?)$/;

/** One more line of the console. */
export function initProgress({ running }: InitProgress, line: string): InitProgress {
  const [mark, script = "", code, strict] = MARK.exec(line) ?? [];
  if (mark === undefined) {
    if (running === undefined) return NOTHING_RAN;
    const output = [...running.output, line].slice(-OUTPUT_LINES);
    return { running: { ...running, output }, failed: undefined };
  }
  if (mark.endsWith(" begins")) return { running: { script, output: [] }, failed: undefined };
  // What it said without an end of line stands before the kernel's time.
  const rest = line
    .slice(0, line.indexOf(mark))
    .replace(/(?:<\d>)?\[[ \d.]+\](?:\[[ \w]+\])? $/, "");
  const said = [...(running?.output ?? []), ...(rest === "" ? [] : [rest])];
  const output = said.slice(-OUTPUT_LINES);
  if (code === undefined) return NOTHING_RAN;
  const failed = { script, exitCode: Number(code), strict: strict !== undefined, output };
  return { running: undefined, failed };
}

export function failureText({ script, exitCode, output }: InitFailure): string {
  const said = output.map((line) => `\n  | ${line}`).join("");
  return `the init script ${script} failed with exit code ${exitCode}${said}`;
}
