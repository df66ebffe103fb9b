import { KdockError, messageOf } from "../core/errors.js";

/** Why a connection was never made, by errno code, in words that finish "nothing answers: …". */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "no such socket",
  ENOTSOCK: "not a socket",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name lookup failed",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "timed out",
};

/**
 * The one place where what dockerode and node:http throw becomes ours, by status and errno code. An aborted `signal`
 * wins, because everything it touched fails as a consequence. What is not recognised is a bug and comes back as it is.
 */
export function translate(error: unknown, action: string, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof KdockError) return error;
  // By name: loading zod takes longer than most calls.
  if (field(error, "name") === "ZodError") {
    const message = `cannot ${action}: the engine's answer has an unknown shape: ${messageOf(error)}`;
    return new KdockError("engine", message, { cause: error });
  }

  const unreachable = unreachableReason(error);
  if (unreachable !== undefined) {
    const hint = connectionHint([error]);
    return new KdockError("environment", `cannot ${action}: ${unreachable}`, {
      hint,
      cause: error,
    });
  }
  if (statusOf(error) !== undefined) {
    return new KdockError("engine", `cannot ${action}: ${engineMessage(error)}`, { cause: error });
  }
  const code = field(error, "code");
  if (typeof code !== "string" || code.startsWith("ERR_INVALID")) return error;
  const message = `cannot ${action}: the connection to the engine was lost (${messageOf(error)})`;
  return new KdockError("engine", message, { cause: error });
}

/** Runs one call to the engine; see `translate`. `action` finishes "cannot …". */
export async function engineCall<T>(
  action: string,
  call: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await call();
  } catch (error) {
    throw translate(error, action, signal);
  }
}

/** Whether the engine answered with this HTTP status: 404 no such thing, 409 name taken or in the wrong state. */
export function isStatus(error: unknown, status: number): boolean {
  return statusOf(error) === status || statusOf(field(error, "cause")) === status;
}

/** The end of "nothing answers: …"; undefined when the failure is not about reaching the engine. */
export function unreachableReason(error: unknown): string | undefined {
  const code = field(error, "code");
  return typeof code === "string" ? UNREACHABLE[code] : undefined;
}

/** What to do when none of the tried places answered. */
export function connectionHint(failures: readonly unknown[]): string {
  const codes = failures.map((failure) => field(failure, "code"));
  if (codes.includes("EACCES") || codes.includes("EPERM")) {
    return "Add yourself to the group docker (sudo usermod -aG docker $USER), then log in again.";
  }
  if (codes.includes("ECONNREFUSED")) {
    return "Start the engine (sudo systemctl start docker), or set DOCKER_HOST to one that runs.";
  }
  return "Install Docker and start it, or set DOCKER_HOST to an engine that runs.";
}

function statusOf(error: unknown): number | undefined {
  const status = field(error, "statusCode");
  return typeof status === "number" ? status : undefined;
}

/** The engine's own words without docker-modem's "(HTTP code 404) no such container - " in front. */
function engineMessage(error: unknown): string {
  const fromBody = field(field(error, "json"), "message");
  if (typeof fromBody === "string") return fromBody;
  const reason = field(error, "reason");
  const known = typeof reason === "string" ? reason : "unexpected";
  const prefix = `(HTTP code ${String(statusOf(error))}) ${known} - `;
  const message = messageOf(error);
  return (message.startsWith(prefix) ? message.slice(prefix.length) : message).trim();
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}
