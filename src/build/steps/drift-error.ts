import { KdockError } from "../../core/errors.js";

const SHOWN = 20;

/** What the lock pins can no longer be had; each line names one thing. */
export function driftError(drift: readonly string[]): KdockError {
  const more = drift.length - SHOWN;
  return new KdockError(
    "environment",
    [
      "the Debian mirror has moved on since kdock.lock was written:",
      ...drift.slice(0, SHOWN),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join("\n  "),
    {
      hint: "Run `kdock lock --update` to take what is there now, or set images.snapshot to an archive that has the locked versions.",
    },
  );
}
