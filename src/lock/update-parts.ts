/** Parts of kdock.lock that `kdock lock --update` resolves anew. */
export const UPDATE_PARTS = ["kernel", "busybox", "base", "toolchain", "qemu", "gdb"] as const;
export type UpdatePart = (typeof UPDATE_PARTS)[number];
