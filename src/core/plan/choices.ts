/** Choices of command arguments. This file imports nothing: it is loaded for `kdock --help`. */

/** Targets of `kdock build`, in build order. */
export const TARGETS = ["kernel", "busybox", "rootfs"] as const;
export type Target = (typeof TARGETS)[number];

/** Parts of kdock.lock that `kdock lock --update` can resolve again. */
export const UPDATE_PARTS = ["kernel", "busybox", "base", "toolchain", "qemu", "gdb"] as const;
export type UpdatePart = (typeof UPDATE_PARTS)[number];

/** Editors that `kdock ide` writes files for. */
export const EDITORS = ["vscode", "nvim", "devcontainer"] as const;
export type Editor = (typeof EDITORS)[number];

/** Shells that `kdock completion` has a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];
