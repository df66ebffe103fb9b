const KEPT_LINES = 20;

/** The last lines of each step's log, held back until they are needed. */
export class LogTail {
  readonly #lines = new Map<string, string[]>();

  push(step: string, line: string): void {
    const lines = this.#lines.get(step) ?? [];
    lines.push(line);
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
