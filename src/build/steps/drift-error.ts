import { KdockError } from "../../core/errors.js";

const SHOWN = 20;

/** Versions that the lock pins are not available any more; a line each. */
export function driftError(drift: readonly string[]): KdockError {
  const more = drift.length - SHOWN;
  return new KdockError(
    "environment",
    [
      "the Debian mirror has changed since kdock.lock was written:",
      ...drift.slice(0, SHOWN),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join("\n  "),
    {
      hint: "Run `kdock lock --update` to lock the current versions, or set images.snapshot to an archive that has the locked versions.",
    },
  );
}
