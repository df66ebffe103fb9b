const KEPT_LINES = 20;
/** Of a line that is kept for people to read. */
const MAX_LINE = 4096;

/** The beginning of a long line, without a reference to the rest. */
export function cutLine(line: string): string {
  return line.length <= MAX_LINE ? line : `${Buffer.from(line.slice(0, MAX_LINE)).toString()}…`;
}

/** The last lines of each step's log, held back until they are needed. */
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

  forget(step: string): void {
    this.#lines.delete(step);
  }
}
