import ora, { type Ora } from "ora";
import { unreachable } from "../core/errors.js";
import { formatClock } from "./duration.js";
import { LogTail } from "./log-tail.js";
import type { Event, Reporter } from "./reporter.js";
import { doneText, failureLines, progressText, stepLabel } from "./step-text.js";
import { visible } from "./visible.js";

export interface SpinnerReporterOptions {
  /** A terminal. */
  readonly stream: NodeJS.WritableStream;
  readonly color: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** For terminals: running steps are shown on the last lines, finished ones scroll up. */
export function createSpinnerReporter(options: SpinnerReporterOptions): Reporter {
  return new SpinnerReporter(options);
}

interface RunningStep {
  readonly step: string;
  readonly startedAt: number;
  phase: string;
  progress: string | undefined;
}

type Style = "good" | "bad" | "warn" | "dim";
const STYLE_CODES: Readonly<Record<Style, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
};

class SpinnerReporter implements Reporter {
  readonly #options: SpinnerReporterOptions;
  readonly #running = new Map<string, RunningStep>();
  readonly #tail = new LogTail();
  readonly #spinner: Ora;

  constructor(options: SpinnerReporterOptions) {
    this.#options = options;
    this.#spinner = ora({
      stream: options.stream,
      color: options.color ? "cyan" : false,
      // Otherwise ora would read stdin, which a console that is attached later needs.
      discardStdin: false,
      // The caller has checked that the stream is a terminal.
      isEnabled: true,
      // Called for every frame, which updates the clock.
      suffixText: () => this.#afterHeadline(),
    });
  }

  emit(event: Event): void {
    this.#handle(event);
    this.#refresh();
  }

  pause(): void {
    this.#spinner.stop();
  }

  #handle(event: Event): void {
    switch (event.type) {
      case "step-started":
        this.#start(event.step, event.title);
        break;
      case "phase":
        Object.assign(this.#state(event.step), { phase: event.phase, progress: undefined });
        break;
      case "progress":
        this.#state(event.step).progress = progressText(event);
        break;
      case "log":
        this.#tail.push(event.step, event.line);
        break;
      case "step-done":
        this.#drop(event.step);
        this.#line(`${stepLabel(event.step)}  ${doneText(event)}`, this.#paint("✔", "good"));
        break;
      case "step-failed":
        this.#failed(event);
        break;
      case "notice":
        this.#line(event.text);
        break;
      case "warning":
        this.#line(event.text, this.#paint("⚠", "warn"));
        break;
      case "output":
      case "row":
        break;
      case "result":
      case "error":
        // A running spinner would keep the process alive.
        this.#running.clear();
        break;
      default:
        unreachable(event);
    }
  }

  #start(step: string, phase: string): RunningStep {
    const state = { step, startedAt: this.#options.now(), phase, progress: undefined };
    this.#running.set(step, state);
    return state;
  }

  #state(step: string): RunningStep {
    return this.#running.get(step) ?? this.#start(step, "");
  }

  #failed({ step, tail, logFile }: Extract<Event, { type: "step-failed" }>): void {
    const held = tail.length > 0 ? tail : this.#tail.of(step);
    this.#drop(step);
    this.#line(`${stepLabel(step)}  failed`, this.#paint("✖", "bad"));
    for (const line of failureLines(held, logFile)) this.#write(this.#paint(visible(line), "dim"));
  }

  #drop(step: string): void {
    this.#running.delete(step);
    this.#tail.drop(step);
  }

  /** Writes a line above the spinner: ora redraws after other writes to its stream. */
  #line(text: string, mark?: string): void {
    this.#write(mark === undefined ? visible(text) : `${mark} ${visible(text)}`);
  }

  /** Writes text that has passed `visible`, with colours. */
  #write(text: string): void {
    if (this.#running.size === 0) this.#spinner.stop();
    this.#options.stream.write(`${text}\n`);
  }

  #refresh(): void {
    const [first] = this.#running.values();
    if (first === undefined) {
      this.#spinner.stop();
      return;
    }
    this.#spinner.text = headline(first);
    if (!this.#spinner.isSpinning) this.#spinner.start();
  }

  #afterHeadline(): string {
    const [first, ...others] = this.#running.values();
    if (first === undefined) return "";
    const below = others.map((state) => `\n  ${headline(state)}  ${this.#clock(state)}`);
    return ` ${this.#clock(first)}${below.join("")}`;
  }

  #clock({ startedAt }: RunningStep): string {
    return this.#paint(formatClock(this.#options.now() - startedAt), "dim");
  }

  #paint(text: string, style: Style): string {
    const [on, off] = STYLE_CODES[style];
    return this.#options.color ? `\u001B[${on}m${text}\u001B[${off}m` : text;
  }
}

function headline({ step, phase, progress }: RunningStep): string {
  return visible([stepLabel(step), phase, progress ?? ""].filter((part) => part !== "").join("  "));
}
