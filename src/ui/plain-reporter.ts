import { unreachable } from "../core/errors.js";
import { LogTail } from "./log-tail.js";
import type { Event, Reporter } from "./reporter.js";
import {
  doneText,
  failureLines,
  logText,
  percent,
  progressText,
  stepLabel,
  type Progress,
} from "./step-text.js";
import { visible } from "./visible.js";

export interface PlainReporterOptions {
  readonly write: (text: string) => unknown;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Print all log lines, instead of the last ones of a failed step. */
  readonly verbose: boolean;
}

const MIN_GAP_MS = 10_000;
const MIN_PERCENT = 10;
/** Progress is printed at least so often: CI services end a job without output. */
const HEARTBEAT_MS = 60_000;

/** For pipes and CI: complete lines without escape codes. */
export function createPlainReporter(options: PlainReporterOptions): Reporter {
  return new PlainReporter(options);
}

interface StepState {
  printedAt: number;
  printedPercent: number;
  phase: string | undefined;
}

class PlainReporter implements Reporter {
  readonly #options: PlainReporterOptions;
  readonly #steps = new Map<string, StepState>();
  readonly #tail = new LogTail();

  constructor(options: PlainReporterOptions) {
    this.#options = options;
  }

  emit(event: Event): void {
    switch (event.type) {
      case "step-started":
        this.#steps.set(event.step, { ...this.#fresh(), phase: event.title });
        this.#say(event.step, event.title);
        break;
      case "phase":
        this.#state(event.step).phase = event.phase;
        break;
      case "progress":
        this.#progress(event);
        break;
      case "log":
        this.#log(event.step, event.line);
        break;
      case "step-done":
        this.#drop(event.step);
        this.#say(event.step, doneText(event));
        break;
      case "step-failed":
        this.#failed(event);
        break;
      case "notice":
        this.#line(event.text);
        break;
      case "warning":
        this.#line(`warning: ${event.text}`);
        break;
      case "output":
      case "row":
      case "result":
      case "error":
        break;
      default:
        unreachable(event);
    }
  }

  pause(): void {
    // Nothing to clear.
  }

  #progress(event: Progress): void {
    const state = this.#state(event.step);
    const gap = this.#options.now() - state.printedAt;
    const now = event.total === undefined ? undefined : percent(event.done, event.total);
    const isFarther = now === undefined || now - state.printedPercent >= MIN_PERCENT;
    if (gap < MIN_GAP_MS || !(isFarther || gap >= HEARTBEAT_MS)) return;

    state.printedAt = this.#options.now();
    state.printedPercent = now ?? 0;
    const phase = state.phase === undefined ? "" : `${state.phase}  `;
    this.#say(event.step, `${phase}${progressText(event)}`);
  }

  #log(step: string, line: string): void {
    if (this.#options.verbose) this.#say(step, `| ${logText(line)}`);
    else this.#tail.push(step, line);
  }

  #failed({ step, tail, logFile }: Extract<Event, { type: "step-failed" }>): void {
    const held = tail.length > 0 ? tail : this.#tail.of(step);
    this.#say(step, "failed");
    for (const line of failureLines(held, logFile)) this.#line(line);
    this.#drop(step);
  }

  #state(step: string): StepState {
    const state = this.#steps.get(step) ?? this.#fresh();
    this.#steps.set(step, state);
    return state;
  }

  #fresh(): StepState {
    return { printedAt: this.#options.now(), printedPercent: 0, phase: undefined };
  }

  #drop(step: string): void {
    this.#steps.delete(step);
    this.#tail.drop(step);
  }

  #say(step: string, text: string): void {
    this.#line(`${stepLabel(step)}  ${text}`);
  }

  #line(text: string): void {
    this.#options.write(`${visible(text)}\n`);
  }
}
