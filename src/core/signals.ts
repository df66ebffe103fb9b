const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Signals that follow the first within this time are the same one: `timeout` signals its command and then the process
 * group, and npm and npx pass on a Ctrl-C that the terminal has sent to the whole group.
 */
export const SAME_SIGNAL_MS = 1000;

/** The part of `process` that handles signals. */
export interface SignalProcess {
  readonly pid: number;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

export interface SignalHandlers {
  /** The command is to end. */
  readonly interrupt: () => void;
  /** Called before a signal ends the process. */
  readonly beforeKill: () => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** The first signal interrupts the command; a later one, of any kind, ends the process with the default action. */
export function handleSignals(process: SignalProcess, handlers: SignalHandlers): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    const at = handlers.now();
    if (firstAt === undefined) {
      firstAt = at;
      handlers.interrupt();
      return;
    }
    if (at - firstAt < SAME_SIGNAL_MS) return;
    handlers.beforeKill();
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
}
