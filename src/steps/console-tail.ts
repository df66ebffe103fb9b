import type { Readable } from "node:stream";
import { failureText, initProgress, NOTHING_RAN } from "../plan/init-scripts.js";
import { linesOf } from "./lines.js";

const KEEP_LINES = 200;
/** An error is the VM's end, and told as such. */
const RELAYED = /^\[kdock\] (?!error: )(.*)$/;
/** What images/rootfs/tree/init says when all init scripts have run. */
const BOOTED = "Boot took";

export interface ConsoleTail {
  /** The last lines of the guest's console, newest last. */
  lines(): readonly string[];
  /** The init script that runs now: its path in the guest. */
  initScript(): string | undefined;
  /** Resolves when the guest's init scripts have run, or the console has ended; never rejects. */
  readonly booted: Promise<void>;
  /** Resolves when the console has ended; never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Reads a VM's console to its end: keeps the last lines and hands on what is said to people, by start.sh and about init
 * scripts that fail.
 */
export function watchConsole(output: Readable, onRelayed: (text: string) => void): ConsoleTail {
  const kept: string[] = [];
  let init = NOTHING_RAN;
  let booted = () => {
    // Replaced below, before anybody can call it.
  };
  const whenBooted = new Promise<void>((resolve) => {
    booted = resolve;
  });
  const keep = (line: string) => {
    const relayed = RELAYED.exec(line);
    if (relayed?.[1] !== undefined) onRelayed(relayed[1]);
    init = initProgress(init, line);
    // A strict one ends the VM, and whoever waits for that tells why.
    if (init.failed?.strict === false) onRelayed(failureText(init.failed));
    if (line.includes(BOOTED)) booted();
    kept.push(line);
    if (kept.length > KEEP_LINES) kept.shift();
  };
  const ended = readLines(output, keep).then(booted);
  return { lines: () => kept, initScript: () => init.running?.script, booted: whenBooted, ended };
}

async function readLines(output: Readable, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of linesOf(output)) onLine(line);
  } catch {
    // The connection to the console broke; what the VM did is told by its exit code.
  }
}
