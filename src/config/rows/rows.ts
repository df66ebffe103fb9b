import { busybox } from "./busybox.js";
import { gdb } from "./gdb.js";
import { images } from "./images.js";
import { kernel } from "./kernel.js";
import { matrix } from "./matrix.js";
import { rootfs } from "./rootfs.js";
import { vm } from "./vm.js";
import { vms } from "./vms.js";

/** Every key of kdock.yaml, in the order of its documentation. */
export const ROWS = { kernel, busybox, rootfs, vm, vms, gdb, images, matrix };
