/** Paths of `rootfs.init` and `rootfs.strict` in the guest's root; images/rootfs/tree/init reads them. */
export const INIT = { scripts: "etc/kdock/init.d", strict: "etc/kdock/strict" } as const;

/** "001-routes.sh"; numbered: the guest runs them in the order of their names. */
export function initScriptName(path: string, index: number): string {
  const base = (path.split(/[\\/]/).at(-1) ?? "").replace(/[^\w.+-]+/g, "-");
  return `${String(index + 1).padStart(3, "0")}-${base}`;
}

/** Why a guest's shell cannot run a script; undefined if it can, and for ELF programs. */
export function scriptProblem(content: Uint8Array): string | undefined {
  if (content.length === 0) return "is empty";
  if (content[0] === 0x7f) return undefined;
  const at = Buffer.from(content.buffer, content.byteOffset, content.byteLength).indexOf("\r\n");
  if (at < 0) return undefined;
  const line = content.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
  return `has the line ends of Windows (CRLF, line ${line}), which a shell on Linux cannot run`;
}

/** An init script that did not exit with 0. */
export interface InitFailure {
  /** Its path in the guest. */
  readonly script: string;
  readonly exitCode: number;
  /** The boot ended there. */
  readonly strict: boolean;
  /** The last lines of its output. */
  readonly output: readonly string[];
}

/** Progress of the guest's init scripts, by its console. */
export interface InitProgress {
  /** The running script, and its output. */
  readonly running: { readonly script: string; readonly output: readonly string[] } | undefined;
  /** The script that the last line reports as failed. */
  readonly failed: InitFailure | undefined;
}

export const NOTHING_RAN: InitProgress = { running: undefined, failed: undefined };

const OUTPUT_LINES = 10;

/** A message of images/rootfs/tree/init, after the kernel's timestamp. */
const MARK =
  /kdock: init script (.+) (?:begins|is done|failed with exit code (\d+)(; rootfs\.strict ends the boot here)?)$/;

/** The progress after one more line of the console. */
export function initProgress({ running }: InitProgress, line: string): InitProgress {
  const [mark, script = "", code, strict] = MARK.exec(line) ?? [];
  if (mark === undefined) {
    if (running === undefined) return NOTHING_RAN;
    const output = [...running.output, line].slice(-OUTPUT_LINES);
    return { running: { ...running, output }, failed: undefined };
  }
  if (mark.endsWith(" begins")) return { running: { script, output: [] }, failed: undefined };
  // Output without a line end is before the kernel's timestamp.
  const rest = line
    .slice(0, line.indexOf(mark))
    .replace(/(?:<\d>)?\[[ \d.]+\](?:\[[ \w]+\])? $/, "");
  const printed = [...(running?.output ?? []), ...(rest === "" ? [] : [rest])];
  const output = printed.slice(-OUTPUT_LINES);
  if (code === undefined) return NOTHING_RAN;
  const failed = { script, exitCode: Number(code), strict: strict !== undefined, output };
  return { running: undefined, failed };
}

export function failureText({ script, exitCode, output }: InitFailure): string {
  const quoted = output.map((line) => `\n  | ${line}`).join("");
  return `the init script ${script} failed with exit code ${exitCode}${quoted}`;
}
