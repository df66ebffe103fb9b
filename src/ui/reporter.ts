/** An event, as data. Steps emit events; only reporters format them. With --json each is a line. */
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
  /** The current part of a step: "unpacking", "linking vmlinux". */
  | { readonly type: "phase"; readonly step: string; readonly phase: string }
  | {
      readonly type: "step-done";
      readonly step: string;
      /** True if the step was up to date. */
      readonly cached: boolean;
      readonly ms: number;
      readonly summary: string | undefined;
    }
  /** `tail` has the relevant lines of the log, `logFile` is the path of the complete log. */
  | {
      readonly type: "step-failed";
      readonly step: string;
      readonly tail: readonly string[];
      readonly logFile: string | undefined;
    }
  | { readonly type: "notice"; readonly text: string }
  | { readonly type: "warning"; readonly text: string }
  /** Output of the guest's command or console; only with --json, where stdout has events only. */
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly text: string }
  /** A part of a result, as soon as it is available; for --json only. */
  | { readonly type: "row"; readonly command: string; readonly data: unknown }
  /** Results and errors as data; main.ts prints the text of an error. */
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
  /** Clears the spinner so that other output can be written to the terminal; the next event shows it again. */
  pause(): void;
}
