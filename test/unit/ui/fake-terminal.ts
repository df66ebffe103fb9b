import { Writable } from "node:stream";

/** A minimal terminal: lines, and a cursor that moves up and clears. */
export class FakeTerminal extends Writable {
  readonly isTTY = true;
  readonly columns = 100;
  readonly rows = 40;
  raw = "";
  #lines: string[] = [""];

  /** The visible text, without colours and trailing empty lines. */
  get screen(): string[] {
    const lines = [...this.#lines];
    while (lines.at(-1)?.trim() === "") lines.pop();
    return lines.map((line) => line.trimEnd());
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const text = chunk.toString();
    this.raw += text;
    // eslint-disable-next-line no-control-regex -- this removes escape sequences
    const [first = "", ...rest] = text.replace(/\u001b\[[?0-9;]*[A-Za-z]/g, "").split("\n");
    this.#lines.push((this.#lines.pop() ?? "") + first, ...rest);
    done();
  }

  cursorTo(): boolean {
    return true;
  }

  /** ora clears the line it is on, then goes up and clears that one. */
  moveCursor(_dx: number, dy: number): boolean {
    for (let line = dy; line < 0; line++) this.#lines.pop();
    return true;
  }

  clearLine(): boolean {
    this.#lines[this.#lines.length - 1] = "";
    return true;
  }
}
