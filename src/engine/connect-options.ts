import { readFileSync } from "node:fs";
import { KdockError, messageOf } from "../core/errors.js";
import type { OnLeak } from "./docker-container.js";
import type { Env } from "./engine-search.js";

export interface ConnectOptions {
  readonly env: Env;
  readonly home: string;
  readonly onLeak: OnLeak;
}

/** undefined when there is no such file; for the docker CLI's own configuration. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new KdockError("environment", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
