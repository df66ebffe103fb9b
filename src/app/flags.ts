import { Option } from "commander";
import { KdockError } from "../core/errors.js";

/** For commander: a flag that may be repeated. */
export const list = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export interface BootTimeoutFlag {
  readonly bootTimeout: string;
}

export function bootTimeoutOption(help = "how long the guest may take until it is ready"): Option {
  return new Option("--boot-timeout <seconds>", help).default("300");
}

export function bootTimeoutOf({ bootTimeout }: BootTimeoutFlag): number {
  return secondsOf("--boot-timeout", bootTimeout);
}

/** Of `kdock debug` and `kdock trap`: a guest that is stopped at boot cannot run a command. */
export function refuseExecAtBoot({ boot, exec }: { boot?: boolean; exec?: string }): void {
  if (boot !== true || exec === undefined) return;
  throw new KdockError("usage", "--exec needs a guest that has booted, and --boot stops before", {
    hint: "Leave one of them out.",
  });
}

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
