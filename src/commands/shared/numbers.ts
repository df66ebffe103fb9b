import { KdockError } from "../../errors.js";

/** The value of a flag in seconds. Throws a `usage` error unless it is more than 0. */
export function secondsOf(flag: string, text: string): number {
  return positive(flag, text, "a number of seconds");
}

/** The value of a flag that counts. Throws a `usage` error unless it is a whole number from 1. */
export function countOf(flag: string, text: string): number {
  const what = "a whole number from 1";
  const count = positive(flag, text, what);
  if (!Number.isInteger(count)) throw notA(flag, text, what);
  return count;
}

function positive(flag: string, text: string, what: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw notA(flag, text, what);
  return number;
}

function notA(flag: string, text: string, what: string): KdockError {
  return new KdockError("usage", `${flag}: ${text} is not ${what}`);
}
