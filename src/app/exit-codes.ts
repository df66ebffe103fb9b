/** Exit codes of commands that did their work and have a negative answer; those of errors are in errors.ts. */

/** A comparison found a difference, as with diff and cmp. */
export const DIFFERENT = 1;

/** A check failed, or a part of what was to be done did. */
export const NOT_WELL = 1;

/** A trap got fewer hits than it was to wait for. */
export const NOT_HIT = 1;
