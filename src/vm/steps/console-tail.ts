import type { Readable } from "node:stream";
import { CONSOLE_BEGINS, type ConsoleState, readConsole } from "../plan/console-state.js";
import { linesOf } from "../../core/steps/lines.js";

const KEEP_LINES = 200;
/** A longer line is cut: a guest may never end one. */
const MAX_LINE = 4096;

export interface ConsoleTail {
  /** The last lines of the guest's console, newest last. */
  lines(): readonly string[];
  /** What it has told so far. */
  state(): ConsoleState;
  /** Resolves when QEMU has started, or the console has ended; never rejects. */
  readonly handedOver: Promise<void>;
  /** Resolves when the guest's init scripts have run, or the console has ended; never rejects. */
  readonly booted: Promise<void>;
  /** Resolves when the console has ended; never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Reads a VM's console from its first byte to its end: keeps the last lines and hands on what is said to people, by the
 * container's scripts before QEMU starts and about init scripts that fail.
 */
export function watchConsole(output: Readable, onNews: (text: string) => void): ConsoleTail {
  const kept: string[] = [];
  let state = CONSOLE_BEGINS;
  const [handedOver, onHandedOver] = moment();
  const [booted, onBooted] = moment();
  const keep = (line: string) => {
    const read = readConsole(state, line);
    state = read.state;
    if (read.news !== undefined) onNews(read.news);
    if (state.isGuest) onHandedOver();
    if (state.hasBooted) onBooted();
    kept.push(line);
    if (kept.length > KEEP_LINES) kept.shift();
  };
  const ended = readLines(output, keep).then(() => {
    onHandedOver();
    onBooted();
  });
  return { lines: () => kept, state: () => state, handedOver, booted, ended };
}

/** A promise, and what resolves it. */
function moment(): [promise: Promise<void>, resolve: () => void] {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return [promise, resolve];
}

async function readLines(output: Readable, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of linesOf(output, MAX_LINE)) onLine(line);
  } catch {
    // The connection to the console broke; what the VM did is told by its exit code.
  }
}
