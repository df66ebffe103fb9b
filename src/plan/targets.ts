/** What `kdock build` can make, in the order in which it is made. */
export const TARGETS = ["kernel", "busybox", "rootfs"] as const;
export type Target = (typeof TARGETS)[number];
