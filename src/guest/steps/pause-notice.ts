import { pausedText } from "../../vm/plan/run-state.js";

/** A pause that is shorter, as at a breakpoint that a debugger continues at once, is not announced. */
const NOTICE_MS = 700;

/** Announces that the guest is paused, once for each pause. */
export class PauseNotice implements Disposable {
  readonly #notify: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #text: string | undefined;

  constructor(notify: (text: string) => void) {
    this.#notify = notify;
  }

  get isPaused(): boolean {
    return this.#text !== undefined;
  }

  /** `state` is QEMU's. */
  update(state: string): void {
    const wasPaused = this.isPaused;
    const text = pausedText(state);
    this.#text = text;
    if (this.isPaused === wasPaused) return;
    clearTimeout(this.#timer);
    if (text === undefined) return;
    this.#timer = setTimeout(() => {
      this.#notify(text);
    }, NOTICE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
