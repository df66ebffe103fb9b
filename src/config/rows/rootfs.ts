import { row, section } from "../row.js";
import { PATH, PATHS, TRUE_OR_FALSE } from "../types.js";

export const rootfs = section("the guest's root file system", {
  overlay: row({
    type: PATH,
    help: "folder, relative to this file, that is merged over the root file system",
    example: "./rootfs",
    flag: { name: "overlay", value: "<folder>", help: "folder merged over the guest's root" },
  }),
  /** They run before those of the overlay. */
  init: row({
    type: PATHS,
    default: [],
    help: "scripts, relative to this file, that run in the guest at boot, in order, when the network is up",
    example: ["./guest/routes.sh", "./guest/sysctls.sh"],
    flag: { name: "init-script", value: "<file>", help: "script that the guest runs at boot" },
  }),
  strict: row({
    type: TRUE_OR_FALSE,
    default: false,
    help: "a boot in which an init script fails is a failed one, and ends there",
    flag: { name: "strict-init", help: "an init script that fails ends the boot" },
  }),
});
