import { KdockError, messageOf } from "../core/errors.js";

/** The engine answered that it will not; the message is in its own words. */
export class EngineRefusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, body: string) {
    super(wordsOf(body) || `HTTP status ${statusCode}`);
    this.statusCode = statusCode;
  }
}

/** The source of what was sent to the engine failed, with this `cause`: no failure of the engine's. */
export class UploadFailure extends Error {
  constructor(cause: unknown) {
    super("the upload failed", { cause });
  }
}

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
 * The one place where what the client and node:http throw becomes kdock's, by status and errno code. An aborted `signal`
 * wins, because everything it touched fails as a consequence. What is not recognised is a bug and comes back as it is.
 */
export function translate(error: unknown, action: string, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof UploadFailure) return error.cause;
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
  if (error instanceof EngineRefusal) {
    return new KdockError("engine", `cannot ${action}: ${error.message}`, { cause: error });
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
  return error instanceof EngineRefusal ? error.statusCode : undefined;
}

/** The engine sends {"message": "…"}; a proxy before it may send anything. */
function wordsOf(body: string): string {
  try {
    const message = field(JSON.parse(body), "message");
    if (typeof message === "string") return message.trim();
  } catch {
    // Text.
  }
  return body.trim();
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}
