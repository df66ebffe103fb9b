/**
 * Exit codes of kdock's scripts in containers. Those of images/vm and images/gdb are generated from here (image-names.ts);
 * test/unit/core/plan/script-exits.test.ts compares the others with their scripts.
 */

/** images/kernel/build.sh with all that it calls, bisect.sh, and images/busybox/build.sh. */
export const BUILDER_EXIT = {
  /** Invalid input (EX_USAGE). */
  refused: 64,
  /** The locked source is not available. */
  notAsLocked: 65,
  /** The mounted tree is not the one that kdock has scanned. */
  otherTree: 66,
  /** No mirror could be reached. */
  unreachable: 69,
  /** The artifacts were not received completely. */
  notTaken: 74,
} as const;

/** images/kernel/build.sh module: obj-m is empty; /src is another source. */
export const MODULE_EXIT = { refused: 64, otherSource: 65 } as const;

/** images/apt/resolve.sh: no archive has a package of that name. */
export const RESOLVE_EXIT = { unknown: 64 } as const;

/** images/editor/collect.sh: the source or the objects are missing. */
export const COLLECT_EXIT = { noSource: 66, notCompiled: 67 } as const;

/** images/gdb/start.sh: the volume of symbols is not complete. */
export const DECODE_EXIT = { notWhole: 75 } as const;

/** images/vm/start.sh: the machine cannot run the VM. */
export const START_EXIT = { refused: 3 } as const;

/** images/vm/shape.sh: tc rejects the arguments; the VM has no tap; the kernel has no netem. */
export const SHAPE_EXIT = { refused: 2, noTap: 3, noNetem: 4 } as const;

/** images/vm/capture.sh: the VM has no uplink; it has no tap. */
export const CAPTURE_EXIT = { noUplink: 3, noTap: 4 } as const;
