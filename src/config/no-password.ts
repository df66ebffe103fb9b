import type { z } from "zod";
import { holdsPassword, passwordProblem } from "../core/redact.js";

/** A check for addresses: a password in one would be in plans, images and `docker inspect`. */
export function noPassword({ value, issues }: z.core.ParsePayload<string>): void {
  if (holdsPassword(value))
    issues.push({ code: "custom", message: passwordProblem(value), input: value });
}
