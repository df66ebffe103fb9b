import { z } from "zod";
import { busybox, kernel, rootfs } from "./build-schema.js";
import type { Config } from "./config.js";
import { gdb, images, vm } from "./run-schema.js";

/** kdock.yaml. Descriptions and titles are what `kdock init`, the README and error messages say about a key. */
export const ConfigFile = z.strictObject({ kernel, busybox, rootfs, vm, gdb, images });

export type CheckedFile = z.output<typeof ConfigFile>;

/** From the words of the file to those of plans. */
export function complete({ kernel, busybox, rootfs, vm, gdb, images }: CheckedFile): Config {
  const { memory, ...machine } = vm;
  return {
    kernel: { ...kernel, moduleKey: kernel.moduleKey },
    busybox: { ...busybox, sha256: busybox.sha256 },
    rootfs: { overlay: rootfs.overlay },
    vm: { ...machine, memoryMiB: memory },
    gdb,
    images: { ...images, mirror: images.mirror, snapshot: images.snapshot },
  };
}
