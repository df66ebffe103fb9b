import { type Lock, LOCK_FORMAT } from "../../../../src/build/lock/lock.js";

/** A lock with entries in every section, as after a build of the default kdock.yaml. */
export const SAMPLE: Lock = {
  format: LOCK_FORMAT,
  kdock: "0.1.0",
  bases: {
    trixie: {
      from: "bootstrap",
      digest: "1".repeat(64),
      time: "20261120T000000Z",
      packages: { libc6: "2.41-12", "libstdc++6": "14.2.0-19" },
    },
    bookworm: {
      from: "registry",
      digest: `docker.io/library/debian@sha256:${"2".repeat(64)}`,
      time: "20261119T000000Z",
      packages: { libc6: "2.36-9+deb12u10" },
    },
  },
  images: {
    vm: {
      base: "trixie",
      time: "20261123T033000Z",
      packages: { "qemu-system-x86": "1:10.0.2+ds-2", seabios: "1.16.3-2", ipxe: "1.0.0+git-1~1" },
    },
    gdb: { base: "trixie", time: "20261123T033000Z", packages: { gdb: "16.3-1" } },
    busybox: { base: "trixie", time: "20261123T033000Z", packages: { gcc: "4:14.2.0-1" } },
    "kernel gcc-14": { base: "trixie", time: "20261123T033000Z", packages: { "gcc-14": "14.2.0" } },
    "kernel gcc-12": { base: "bookworm", time: "20261123T033000Z", packages: { "gcc-12": "12.2" } },
  },
  sources: {
    "kernel debian:6.12": {
      package: "linux-source-6.12",
      suite: "trixie",
      version: "6.12.48-1",
      sha256: "3".repeat(64),
      time: "20261123T033000Z",
      signedBy:
        "debian:4CB50190207B4758A3F73A796ED0E7B82643E131,B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8",
    },
    "busybox release:1.37.0": {
      version: "1.37.0",
      sha256: "4".repeat(64),
      time: "20261123T033000Z",
      signedBy: "pinned:kdock",
    },
  },
  stages: {
    kernel: {
      inputs: {
        source: "debian:6.12",
        preset: "debug",
        "set CONFIG_NET": "y",
        toolchain: "gcc-14",
      },
      config: "5".repeat(64),
    },
    busybox: { inputs: { source: "release:1.37.0" }, config: "6".repeat(64) },
    rootfs: { inputs: { "overlay etc/motd": "7".repeat(64) } },
  },
  files: { "Dockerfile.kernel": "8".repeat(64), "images/apt/install.sh": "9".repeat(64) },
};
