import { KdockError, messageOf } from "./errors.js";

/** The reader of a pipe or socket has closed it or ended; EIO: the terminal is closed. */
const READER_LOST = new Set(["EPIPE", "ECONNRESET", "EIO"]);
const FULL = new Set(["ENOSPC", "EDQUOT"]);

/** Writing to stdout or stderr failed. */
export class OutputError extends KdockError {
  readonly stream: "stdout" | "stderr";

  constructor(stream: "stdout" | "stderr", cause: unknown) {
    const { code, message } = described(stream, cause);
    super(code, message, { cause });
    this.stream = stream;
  }
}

function described(stream: string, cause: unknown): Pick<KdockError, "code" | "message"> {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (READER_LOST.has(errno)) {
    return { code: "reader-lost", message: `the reader of ${stream} has closed it` };
  }
  const why = FULL.has(errno) ? "no space left on its device" : messageOf(cause);
  return { code: "environment", message: `cannot write to ${stream}: ${why}` };
}
