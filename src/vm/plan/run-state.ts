/** QEMU's run states, in its own words, that kdock tells from each other. */
export const RUN_STATE = {
  running: "running",
  /** Before the first instruction. */
  prelaunch: "prelaunch",
  /** By a debugger's hand, or the monitor's. */
  paused: "paused",
  /** At a breakpoint. */
  debug: "debug",
  /** Kept after a panic, to be looked at. */
  panicked: "guest-panicked",
} as const;

const HALTED_BY_DEBUGGER: readonly string[] = [
  RUN_STATE.prelaunch,
  RUN_STATE.paused,
  RUN_STATE.debug,
];

/** What to tell a person who waits for a guest in this state; undefined when it runs. */
export function pausedText(state: string): string | undefined {
  if (state === RUN_STATE.running) return undefined;
  return HALTED_BY_DEBUGGER.includes(state)
    ? "the guest is stopped by a debugger; this goes on when the guest does"
    : `the guest does not run: QEMU calls it ${state}`;
}

export function isPaused(state: string): boolean {
  return state !== RUN_STATE.running;
}

/** Of a VM that is kept after a panic. */
export const PANICKED = {
  message: "the guest's kernel has panicked",
  hint: "`kdock logs` shows why; `kdock stop` and `kdock run` start it anew.",
} as const;
