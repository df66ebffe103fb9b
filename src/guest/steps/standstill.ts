/** A debugger that stops the guest and lets it go on at once is not worth a word. */
const WORD_MS = 700;

/** QEMU's words for a machine whose processors a debugger holds: at a breakpoint, by its hand, before the first step. */
const HELD: readonly string[] = ["debug", "paused", "prelaunch"];

/** What a standing guest means to who waits for it; undefined when it runs. */
export function standstillText(state: string): string | undefined {
  if (HELD.includes(state)) {
    return "the guest is stopped by a debugger; this goes on when the guest does";
  }
  return state === "running" ? undefined : `the guest does not run: QEMU calls it ${state}`;
}

/** Says once, for every time it happens, that the guest stands. */
export class Standstill implements Disposable {
  readonly #say: (text: string) => void;
  #onChange: ((stands: boolean) => void) | undefined;
  #word: NodeJS.Timeout | undefined;
  #state = "running";

  /** `onChange` is told when the guest begins to stand or to run, until somebody settles. */
  constructor(say: (text: string) => void, onChange: (stands: boolean) => void) {
    this.#say = say;
    this.#onChange = onChange;
  }

  get stands(): boolean {
    return standstillText(this.#state) !== undefined;
  }

  see(state: string): void {
    const before = this.stands;
    this.#state = state;
    if (this.stands === before) return;
    this.#onChange?.(this.stands);
    clearTimeout(this.#word);
    const text = standstillText(state);
    if (text === undefined) return;
    this.#word = setTimeout(() => {
      this.#say(text);
    }, WORD_MS);
  }

  settle(): void {
    this.#onChange = undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#word);
    this.#onChange = undefined;
  }
}
