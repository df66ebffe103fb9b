/**
 * Exit codes of kdock's scripts in containers. Those of images/vm and images/gdb are generated from here (image-names.ts);
 * test/unit/core/plan/script-exits.test.ts compares the others with their scripts.
 */

/** images/kernel/build.sh with all that it calls, bisect.sh, and images/busybox/build.sh. */
export const BUILDER_EXIT = {
  /** A request that the builder cannot serve: the user's input is wrong, not the build. */
  refused: 64,
  /** What a lock pins is nowhere to be had. */
  notAsLocked: 65,
  /** What is mounted is not what kdock has read, or written. */
  otherTree: 66,
  /** No mirror could be asked. */
  unreachable: 69,
  /** The artifacts were not taken to their end. */
  notTaken: 74,
} as const;

/** images/kernel/build.sh module: obj-m is empty; /src is another source. */
export const MODULE_EXIT = { refused: 64, otherSource: 65 } as const;

/** images/apt/resolve.sh: no archive has a package of that name. */
export const RESOLVE_EXIT = { unknown: 64 } as const;

/** images/editor/collect.sh: what is missing. */
export const COLLECT_EXIT = { noSource: 66, notCompiled: 67 } as const;

/** images/gdb/start.sh: a volume of symbols that was not filled to its end. */
export const DECODE_EXIT = { notWhole: 75 } as const;

/** images/vm/start.sh: this machine cannot carry the VM. */
export const START_EXIT = { refused: 3 } as const;

/** images/vm/shape.sh: tc does not take the words; the VM has no tap; the kernel has no netem. */
export const SHAPE_EXIT = { refused: 2, noTap: 3, noNetem: 4 } as const;

/** images/vm/capture.sh: the VM has no way out; it has no tap. */
export const CAPTURE_EXIT = { noUplink: 3, noTap: 4 } as const;
