/** What happened, as data. Logic emits events; reporters alone turn them into text. One JSON line each with --json. */
export type Event =
  | { readonly type: "step-started"; readonly step: string; readonly title: string }
  /** `total` is an estimate when `about` is true. */
  | {
      readonly type: "progress";
      readonly step: string;
      readonly done: number;
      readonly total: number | undefined;
      readonly unit: "bytes" | "objects";
      readonly about: boolean;
    }
  | { readonly type: "log"; readonly step: string; readonly line: string }
  /** What the step is at: "unpacking", "linking vmlinux". */
  | { readonly type: "phase"; readonly step: string; readonly phase: string }
  | {
      readonly type: "step-done";
      readonly step: string;
      /** True when nothing was owed. */
      readonly cached: boolean;
      readonly ms: number;
      readonly summary: string | undefined;
    }
  /** `tail` holds the last lines of the log that matter, `logFile` the path of the whole log. */
  | {
      readonly type: "step-failed";
      readonly step: string;
      readonly tail: readonly string[];
      readonly logFile: string | undefined;
    }
  | { readonly type: "notice"; readonly text: string }
  | { readonly type: "warning"; readonly text: string }
  /** What the guest's command or console wrote; only with --json, where stdout belongs to the events. */
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly text: string }
  /** A part of a result, as soon as it is there; only of use with --json. */
  | { readonly type: "row"; readonly command: string; readonly data: unknown }
  /** Machine-readable results and errors; the human text of an error is main's. */
  | { readonly type: "result"; readonly command: string; readonly data: unknown }
  | {
      readonly type: "error";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
      readonly exitCode: number;
    };

export interface Reporter {
  emit(event: Event): void;
  /** Takes whatever moves off the screen, so that somebody else may write to the terminal; the next event brings it back. */
  pause(): void;
}
