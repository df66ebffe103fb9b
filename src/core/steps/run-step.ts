import { errorLines } from "../plan/build-log.js";
import { FOLDER } from "../plan/names.js";
import { redactUrls } from "../redact.js";
import { cutLine } from "../../ui/log-tail.js";
import { type Context, inProject } from "./context.js";

export interface StepResult<T> {
  readonly value: T;
  /** True if the step was up to date. */
  readonly cached: boolean;
  readonly summary?: string;
}

/** Output of a running step; every line is also written to the step's log file. */
export interface StepLog {
  line(text: string): void;
  phase(phase: string): void;
  progress(
    done: number,
    total: number | undefined,
    unit: "bytes" | "objects",
    about: boolean,
  ): void;
}

/** Absolute path of a step's log. */
export function stepLogFile(ctx: Context, step: string): string {
  return inProject(ctx, `${FOLDER.logs}/${step}.log`);
}

/** Last lines of a log that are searched for errors; parallel make may end long after the first error. */
const KEPT_LINES = 20_000;

/** Runs a step and reports its start, progress and end. The log file is created with the first line. */
export async function runStep<T>(
  ctx: Context,
  step: string,
  title: string,
  body: (log: StepLog) => Promise<StepResult<T>>,
): Promise<T> {
  const startedAt = ctx.host.now();
  const path = stepLogFile(ctx, step);
  const lines: string[] = [];
  let file: ReturnType<typeof ctx.host.files.openLog> | undefined;
  const log: StepLog = {
    line(raw) {
      const text = redactUrls(raw);
      file ??= ctx.host.files.openLog(path);
      file.write(text);
      lines.push(cutLine(text));
      // Cut rarely: each cut moves all lines that stay.
      if (lines.length > 2 * KEPT_LINES) lines.splice(0, KEPT_LINES);
      ctx.reporter.emit({ type: "log", step, line: text });
    },
    phase: (phase) => {
      ctx.reporter.emit({ type: "phase", step, phase });
    },
    progress: (done, total, unit, about) => {
      ctx.reporter.emit({ type: "progress", step, done, total, unit, about });
    },
  };

  ctx.reporter.emit({ type: "step-started", step, title });
  try {
    ctx.signal.throwIfAborted();
    const { value, cached, summary } = await body(log);
    ctx.reporter.emit({ type: "step-done", step, cached, ms: ctx.host.now() - startedAt, summary });
    return value;
  } catch (error) {
    const tail = ctx.signal.aborted ? [] : errorLines(lines);
    ctx.reporter.emit({ type: "step-failed", step, tail, logFile: file && path });
    // After Ctrl-C any error counts as the interruption.
    throw ctx.signal.aborted ? ctx.signal.reason : error;
  } finally {
    await file?.[Symbol.asyncDispose]();
  }
}
