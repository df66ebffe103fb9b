import { type ErrorCode, KdockError } from "../core/errors.js";

/** The origin of an archive, for errors. */
export interface ArchiveSource {
  /** The subject of a sentence: "the archive from the container". */
  readonly subject: string;
  readonly code: ErrorCode;
  readonly hint?: string;
}

export const FROM_CONTAINER: ArchiveSource = {
  subject: "the archive from the container",
  code: "engine",
};

export const FROM_MMDEBSTRAP: ArchiveSource = {
  subject: "the archive from mmdebstrap",
  code: "environment",
};

export function archiveError(source: ArchiveSource, what: string, cause?: unknown): KdockError {
  const { subject, code, hint } = source;
  return new KdockError(code, `${subject} ${what}`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}
