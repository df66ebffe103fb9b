import { appendFileSync, closeSync, constants, openSync } from "node:fs";
import type { LogFile } from "./host.js";
import { fileMode } from "./make-folders.js";

/** Limit of the bytes that one writer adds to a log: a guest's command or a build script may print without end. */
const MAX_LOG_BYTES = 256 << 20;
const BUFFERED_BYTES = 1 << 16;
/** O_NOFOLLOW: a link in place of the log could make kdock write to another file. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** Buffers lines until the end of the tick or a limit, and writes them synchronously, so that a fast writer cannot fill memory. */
export class Log implements LogFile {
  #file: number | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #bytes = 0;

  constructor(path: string) {
    this.#try(() => (this.#file = openSync(path, APPEND, fileMode(path))));
  }

  write(line: string): void {
    if (this.#file === undefined || this.#bytes > MAX_LOG_BYTES) return;
    this.#bytes += line.length + 1;
    const isLast = this.#bytes > MAX_LOG_BYTES;
    const text = isLast ? "[kdock] the log is full: the rest is left out" : line;
    if (this.#waiting.length === 0)
      setImmediate(() => {
        this.#flush();
      });
    this.#waiting.push(`${text}\n`);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes > BUFFERED_BYTES) this.#flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined)
      this.#try(() => {
        closeSync(file);
      });
    return Promise.resolve();
  }

  #flush(): void {
    const text = this.#waiting.join("");
    this.#waiting = [];
    this.#waitingBytes = 0;
    const file = this.#file;
    if (text !== "" && file !== undefined)
      this.#try(() => {
        appendFileSync(file, text);
      });
  }

  /** An error of the log must not fail the build. */
  #try(write: () => unknown): void {
    try {
      write();
    } catch {
      const file = this.#file;
      this.#file = undefined;
      if (file !== undefined) closeSync(file);
    }
  }
}
