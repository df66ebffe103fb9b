import { row } from "../row.js";
import { PATHS } from "../types.js";

/** Of the kernel and of busybox: both are released as signed tarballs. */
export const RELEASE_KEYS = row({
  type: PATHS,
  default: [],
  help: "armored PGP keys, relative to this file, that may sign a release besides kdock's",
  example: ["./keys/vendor.asc"],
  inArtifact: false,
});
