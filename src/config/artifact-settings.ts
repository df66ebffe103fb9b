import type { Config } from "./config.js";

/** The part of a configuration that decides what the artifacts are, as opposed to how fast they are made and from where. */
export function artifactSettings({ kernel, busybox, rootfs }: Config): unknown {
  return {
    kernel: { ...kernel, jobs: undefined, ccache: undefined, mirrors: undefined, keys: undefined },
    busybox: { ...busybox, mirrors: undefined, keys: undefined },
    rootfs,
  };
}
