import {
  failureText,
  type InitFailure,
  initProgress,
  type InitProgress,
  NOTHING_RAN,
} from "../../build/plan/init-scripts.js";

/** What a console has told so far, and by whom that may be believed. */
export interface ConsoleState {
  /** QEMU has started: from here on programs in the guest may have written any line, also one that begins with "[kdock]". */
  readonly isGuest: boolean;
  /** The guest's /init has run its scripts: what looks like its words from here on is not. */
  readonly hasBooted: boolean;
  /** Why the container's scripts did not start QEMU. */
  readonly refusal: string | undefined;
  /** Why QEMU has no gdbstub although one was asked for. */
  readonly noGdbserver: string | undefined;
  readonly init: InitProgress;
  /** The init script that ended the boot, by `rootfs.strict`. */
  readonly strict: InitFailure | undefined;
}

/** Of a console that is read from its first byte. */
export const CONSOLE_BEGINS: ConsoleState = {
  isGuest: false,
  hasBooted: false,
  refusal: undefined,
  noGdbserver: undefined,
  init: NOTHING_RAN,
  strict: undefined,
};

/** Of the end of a guest's console: the line that tells of a script's begin may be missing. */
export const CONSOLE_GOES_ON: ConsoleState = {
  ...CONSOLE_BEGINS,
  isGuest: true,
  init: { ...NOTHING_RAN, running: { script: "", output: [] } },
};

/** The last line of images/vm/run-qemu.pl's before QEMU has the console. */
const HANDED_OVER = "[kdock] QEMU starts: ";
const CONTAINER_SAYS = /^\[kdock\] (error: )?(.*)$/;
const NO_GDBSERVER = /^gdbserver: off, because (.*)$/;
/** Of images/rootfs/tree/init: once its scripts have run, and what people want to know while it boots. */
const BOOTED = "Boot took";
const INIT_SAYS = /^init: (the host folder for .*)$/;

/** One more line, and what of it is for the person who started the VM. */
export function readConsole(
  state: ConsoleState,
  line: string,
): { readonly state: ConsoleState; readonly news: string | undefined } {
  if (!state.isGuest) return readContainer(state, line);
  if (state.hasBooted || state.strict !== undefined) return { state, news: undefined };
  if (line.includes(BOOTED)) {
    return { state: { ...state, hasBooted: true, init: NOTHING_RAN }, news: undefined };
  }
  const init = initProgress(state.init, line);
  if (init.failed?.strict === true) {
    // It ends the VM, and the caller that waits for the end reports why.
    return { state: { ...state, init, strict: init.failed }, news: undefined };
  }
  const said = INIT_SAYS.exec(line)?.[1];
  const news =
    init.failed === undefined ? said && `the guest says: ${said}` : failureText(init.failed);
  return { state: { ...state, init }, news };
}

function readContainer(state: ConsoleState, line: string) {
  if (line.includes(HANDED_OVER)) return { state: { ...state, isGuest: true }, news: undefined };
  const [, error, text] = CONTAINER_SAYS.exec(line) ?? [];
  if (text === undefined) return { state, news: undefined };
  // An error is the VM's end, and told as such.
  if (error !== undefined) return { state: { ...state, refusal: text }, news: undefined };
  const noGdbserver = NO_GDBSERVER.exec(text)?.[1] ?? state.noGdbserver;
  return { state: { ...state, noGdbserver }, news: text };
}

export function consoleState(begin: ConsoleState, lines: readonly string[]): ConsoleState {
  return lines.reduce((state, line) => readConsole(state, line).state, begin);
}
