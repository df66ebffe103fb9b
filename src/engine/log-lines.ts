/** A longer line is told in pieces. */
const MAX_LINE = 1 << 16;

/** Puts lines together out of pieces that were cut anywhere, even inside a UTF-8 character. */
export class LogLines {
  readonly #onLine: (line: string) => void;
  #decoder = new TextDecoder();
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(piece: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#onLine(shown(line));
    if (this.#rest.length > MAX_LINE) {
      this.#onLine(shown(this.#rest));
      this.#rest = "";
    }
  }

  /** Ends a last line that came without a line end. */
  flush(): void {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    this.#decoder = new TextDecoder();
    if (rest !== "") this.#onLine(shown(rest));
  }
}

/** What is left of a line on a terminal: progress bars go back to its start and write over it. */
function shown(line: string): string {
  const end = line.endsWith("\r") ? line.slice(0, -1) : line;
  return end.slice(end.lastIndexOf("\r") + 1);
}
