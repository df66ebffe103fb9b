export type ErrorCode =
  "usage" | "config" | "environment" | "engine" | "build" | "vm" | "interrupted" | "reader-lost";

/** Exit codes by kind of failure; 0 is success and 70 a bug in kdock. */
export const EXIT_CODES = {
  build: 1,
  vm: 1,
  usage: 2,
  config: 2,
  environment: 3,
  engine: 3,
  /** For every signal; 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGPIPE. */
  "reader-lost": 141,
} as const satisfies Record<ErrorCode, number>;

/** A comparison that found a difference, as with diff and cmp. */
export const DIFFERENT = 1;

/** A check failed, or a part of the work. */
export const CHECK_FAILED = 1;

/** A trap with fewer hits than it waited for. */
export const NOT_HIT = 1;

/** EX_SOFTWARE of sysexits.h: an error that is not a KdockError. */
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

/** A link, name or size that the target's file system does not support; other files can still be written there. */
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

/** For the `default` of an exhaustive switch: adding a member to the union is a compile error. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
