import { Option } from "commander";
import { secondsOf } from "./numbers.js";

export interface BootTimeoutFlag {
  readonly bootTimeout: string;
}

export function bootTimeoutOption(help = "how long the guest may take until it is ready"): Option {
  return new Option("--boot-timeout <seconds>", help).default("300");
}

export function bootTimeoutOf({ bootTimeout }: BootTimeoutFlag): number {
  return secondsOf("--boot-timeout", bootTimeout);
}
