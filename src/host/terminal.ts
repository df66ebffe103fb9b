import { Readable } from "node:stream";
import type { RawTerminal, Terminal } from "./host.js";

export interface TerminalOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly type: string | undefined;
  /** Runs `restore` synchronously before the process exits, in every case. */
  readonly onExit: (restore: () => void) => void;
}

const DEFAULT_SIZE = { rows: 24, columns: 80 };

export function createTerminal({ stdin, stdout, type, onExit }: TerminalOptions): Terminal {
  let current: RawTerminal | undefined;
  // Once, not for every session: exit handlers cannot be removed.
  onExit(() => current?.[Symbol.dispose]());
  return {
    get isInteractive() {
      return [stdin, stdout].every(isTerminal);
    },
    type,
    size() {
      // A terminal without a size reports 0.
      return {
        rows: stdout.rows || DEFAULT_SIZE.rows,
        columns: stdout.columns || DEFAULT_SIZE.columns,
      };
    },
    raw() {
      if (!stdin.isTTY) throw new Error("raw mode needs a terminal");
      current?.[Symbol.dispose]();
      current = openRaw(stdin, stdout);
      return current;
    },
  };
}

/** `isTTY` is undefined, not false, for a pipe, contrary to its type. */
function isTerminal({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY === true;
}

function openRaw(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): RawTerminal {
  const input = new Readable({
    read() {
      stdin.resume();
    },
  });
  const take = (chunk: Buffer) => {
    if (!input.push(chunk)) stdin.pause();
  };
  const end = () => input.push(null);
  // A closed terminal ends the input without an error.
  const ends = ["end", "close", "error"] as const;
  const resizes: (() => void)[] = [];
  let isOpen = true;

  stdin.setRawMode(true);
  stdin.ref();
  stdin.on("data", take);
  for (const event of ends) stdin.on(event, end);

  return {
    input,
    write(bytes) {
      stdout.write(bytes);
    },
    onResize(listener) {
      stdout.on("resize", listener);
      resizes.push(listener);
    },
    [Symbol.dispose]() {
      if (!isOpen) return;
      isOpen = false;
      stdin.off("data", take);
      for (const event of ends) stdin.off(event, end);
      for (const listener of resizes) stdout.off("resize", listener);
      restoreStdin(stdin, input);
    },
  };
}

/** Pushes unread bytes back for the next reader, and lets the process exit while stdin is not read. */
function restoreStdin(stdin: NodeJS.ReadStream, input: Readable): void {
  stdin.pause();
  if (!stdin.destroyed) stdin.setRawMode(false);
  stdin.unref();
  const rest = input.read() as Buffer | null;
  input.push(null);
  if (rest !== null && !stdin.readableEnded && !stdin.destroyed) stdin.unshift(rest);
}
