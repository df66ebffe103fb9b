const KEPT_LINES = 20;
/** Characters that are kept of a line. */
const MAX_LINE = 4096;

/** The beginning of a long line, as a copy: a slice would keep the whole line in memory. */
export function cutLine(line: string): string {
  return line.length <= MAX_LINE ? line : `${Buffer.from(line.slice(0, MAX_LINE)).toString()}…`;
}

/** The last lines of each step's log, to be printed if it fails. */
export class LogTail {
  readonly #lines = new Map<string, string[]>();

  push(step: string, line: string): void {
    const lines = this.#lines.get(step) ?? [];
    lines.push(cutLine(line));
    if (lines.length > KEPT_LINES) lines.shift();
    this.#lines.set(step, lines);
  }

  of(step: string): readonly string[] {
    return this.#lines.get(step) ?? [];
  }

  drop(step: string): void {
    this.#lines.delete(step);
  }
}
