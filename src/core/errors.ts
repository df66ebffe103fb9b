export type ErrorCode =
  "usage" | "config" | "environment" | "engine" | "build" | "vm" | "interrupted" | "reader-lost";

/** What the process exits with for each kind of failure; 0 is success and 70 a bug in kdock. */
export const EXIT_CODES = {
  build: 1,
  vm: 1,
  usage: 2,
  config: 2,
  environment: 3,
  engine: 3,
  /** Every signal, as a shell says it of Ctrl-C. */
  interrupted: 130,
  /** What a shell says of a program that SIGPIPE has ended. */
  "reader-lost": 141,
} as const satisfies Record<ErrorCode, number>;

/** A comparison that found a difference, as with diff and cmp. */
export const DIFFERENT = 1;

/** A check that failed, or work of which a part did. */
export const NOT_WELL = 1;

/** A trap with fewer hits than it waited for. */
export const NOT_HIT = 1;

/** sysexits.h calls it EX_SOFTWARE: anything that is not a KdockError is ours to mend. */
export const BUG_EXIT_CODE = 70;

/**
 * A failure the user can act on. Everything else that is thrown is a bug in kdock and is shown with a stack.
 */
export class KdockError extends Error {
  override readonly name = "KdockError";
  readonly code: ErrorCode;
  /** One imperative sentence: what the user should do next. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, more: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
  }
}

/** A link, a name or a size that the file system written to does not have; others can still be written there. */
export class UnstorableError extends KdockError {
  readonly why: string;

  constructor(path: string, why: string, cause: unknown) {
    super("environment", `cannot write ${path}: ${why}`, { cause });
    this.why = why;
  }
}

/** The exit code for anything that was thrown. */
export function exitCodeOf(error: unknown): number {
  return error instanceof KdockError ? EXIT_CODES[error.code] : BUG_EXIT_CODE;
}

/** The text of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For the `default` of a switch that handles every member of a union: adding a member stops it from compiling. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
