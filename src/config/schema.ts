import { z } from "zod";
import { busybox, kernel, rootfs } from "./build-schema.js";
import type { Architecture, Config, VmSpecial } from "./config.js";
import { matrix } from "./matrix-schema.js";
import { gdb, images, vm, vms } from "./run-schema.js";

/** kdock.yaml. Descriptions and titles are what `kdock init`, docs/reference and error messages say about a key. */
export const ConfigFile = z.strictObject({ kernel, busybox, rootfs, vm, vms, gdb, images, matrix });

export type CheckedFile = z.output<typeof ConfigFile>;

/** From the words of the file to those of plans. `usualArch` is meant where the file names none. */
export function complete(
  { kernel, busybox, rootfs, vm, vms, gdb, images, matrix }: CheckedFile,
  usualArch: Architecture,
): Config {
  const { memory, ...machine } = vm;
  return {
    kernel: { ...kernel, arch: kernel.arch ?? usualArch, moduleKey: kernel.moduleKey },
    busybox: { ...busybox, sha256: busybox.sha256 },
    rootfs: { ...rootfs, overlay: rootfs.overlay },
    vm: { ...machine, cpu: vm.cpu, net: { ...vm.net, ipv6: vm.net.ipv6 }, memoryMiB: memory },
    vms: Object.fromEntries(
      Object.entries(vms).map(([name, special]) => [name, specialVm(special)]),
    ),
    gdb,
    images: { ...images, mirror: images.mirror, snapshot: images.snapshot },
    matrix,
  };
}

function specialVm({ memory, gdb, net, ...keys }: CheckedFile["vms"][string]): VmSpecial {
  const given = Object.entries(keys).filter(([, value]) => value !== undefined);
  return {
    vm: {
      ...(Object.fromEntries(given) as VmSpecial["vm"]),
      ...(memory === undefined ? {} : { memoryMiB: memory }),
    },
    net: net?.mode === undefined ? {} : { mode: net.mode },
    listen: gdb,
  };
}
