import type { Readable } from "node:stream";
import { linesOf } from "./lines.js";

const KEEP_LINES = 200;
const RELAYED = /^\[kdock\] (.*)$/;

export interface ConsoleTail {
  /** The last lines of the guest's console, newest last. */
  lines(): readonly string[];
  /** Resolves when the console has ended; never rejects. */
  readonly ended: Promise<void>;
}

/** Reads a VM's console to its end: keeps the last lines and hands on what start.sh says to people. */
export function watchConsole(output: Readable, onRelayed: (text: string) => void): ConsoleTail {
  const kept: string[] = [];
  const keep = (line: string) => {
    const relayed = RELAYED.exec(line);
    if (relayed?.[1] !== undefined) onRelayed(relayed[1]);
    kept.push(line);
    if (kept.length > KEEP_LINES) kept.shift();
  };
  return { lines: () => kept, ended: readLines(output, keep) };
}

async function readLines(output: Readable, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of linesOf(output)) onLine(line);
  } catch {
    // The connection to the console broke; what the VM did is told by its exit code.
  }
}
