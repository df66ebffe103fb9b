/** What a run is made from: every key present, every value in the form that plans use. Paths are as the user wrote them. */
export interface Config {
  readonly kernel: KernelConfig;
  readonly busybox: BusyboxConfig;
  readonly rootfs: RootfsConfig;
  readonly vm: VmConfig;
  /** By name, in the order of the file. */
  readonly vms: Readonly<Record<string, VmSpecial>>;
  readonly gdb: GdbConfig;
  readonly images: ImagesConfig;
  readonly matrix: MatrixConfig;
}

/** What `kdock matrix` goes through unless it is told. */
export interface MatrixConfig {
  /** Words for sources: "6.1", "debian:6.12"; kdock.lock pins them, too. */
  readonly kernels: readonly string[];
  readonly presets: readonly string[];
  readonly archs: readonly Architecture[];
}

export interface KernelConfig {
  /** In its long form, "debian:6.12": see source-spec.ts. */
  readonly source: string;
  /** Laid out like kernel.org's pub/linux/kernel; asked in this order; none for kernel.org's own. */
  readonly mirrors: readonly string[];
  /** Files with PGP keys that may sign a release. */
  readonly keys: readonly string[];
  readonly arch: Architecture;
  readonly preset: KernelPreset;
  /** Relative to the folder of kdock.yaml, or absolute. */
  readonly fragments: readonly string[];
  readonly set: KconfigSettings;
  /** Applied in this order, with -p1. */
  readonly patches: readonly string[];
  /** C files, relative to the source, to compile so that one can step through them. */
  readonly deoptimize: readonly string[];
  /** A PEM file with the key and certificate that modules are signed with. */
  readonly moduleKey: string | undefined;
  /** "auto", "gcc-14", "clang-19" */
  readonly toolchain: string;
  readonly jobs: number | "auto";
  readonly ccache: boolean;
}

/** What the kernel and its guest are built for; see `src/core/plan/architectures.ts`. */
export const ARCHITECTURE_NAMES = ["x86_64", "arm64", "riscv64"] as const;

export type Architecture = (typeof ARCHITECTURE_NAMES)[number];

/** The one that goes without saying: in keys, in names, and in what containers are told. */
export const USUAL_ARCHITECTURE = "x86_64" satisfies Architecture;

export type KernelPreset = "debug" | "defconfig" | "tiny" | "host" | `file:${string}`;

/** Full option name to the value's text in a .config; "n" stands for "is not set". */
export type KconfigSettings = Readonly<Record<`CONFIG_${string}`, string>>;

export interface BusyboxConfig {
  /** "release:1.37.0" */
  readonly source: string;
  readonly sha256: string | undefined;
  /** Folders that hold the tarball and its signature; asked in this order, before busybox.net. */
  readonly mirrors: readonly string[];
  /** Files with PGP keys that may sign a release. */
  readonly keys: readonly string[];
  readonly fragments: readonly string[];
  readonly set: KconfigSettings;
}

export interface RootfsConfig {
  readonly overlay: string | undefined;
  /** Scripts that the guest runs at boot, in this order, before those of the overlay. */
  readonly init: readonly string[];
  /** An init script that fails ends the boot. */
  readonly strict: boolean;
}

export interface VmConfig {
  readonly cpus: number;
  readonly memoryMiB: number;
  /** "Nehalem,+x2apic"; undefined for all that the accelerator can do. */
  readonly cpu: string | undefined;
  /** Nodes; 1 for a machine without. */
  readonly numa: number;
  /** In order: /dev/vda, /dev/vdb ... */
  readonly disks: readonly DiskRequest[];
  /** Put at the end of the kernel command line. */
  readonly append: string;
  readonly accel: Accelerator;
  readonly privilege: "privileged" | "least";
  readonly nic: "virtio" | "e1000";
  readonly net: NetConfig;
  readonly ports: readonly PortForward[];
  readonly shares: readonly Share[];
  /** Keep the guest's memory when its kernel panics. */
  readonly dumpOnPanic: boolean;
  /** More arguments for QEMU. */
  readonly qemu: readonly string[];
}

export type DiskRequest =
  /** Relative to the folder of kdock.yaml, or absolute. */
  | { readonly kind: "file"; readonly path: string; readonly readOnly: boolean }
  | { readonly kind: "scratch"; readonly bytes: number };

/**
 * What the guest's network card is plugged into: a bridge in the VM container's own network namespace, one on the host,
 * QEMU's own network stack, or nothing (there is no card then).
 */
export const NET_MODES = ["bridge", "host", "user", "none"] as const;

export type NetMode = (typeof NET_MODES)[number];

export const ACCELERATORS = ["auto", "kvm", "tcg"] as const;

export type Accelerator = (typeof ACCELERATORS)[number];

export interface NetConfig {
  readonly mode: NetMode;
  /** "10.0.3.0/24", or "auto" for one that clashes with nothing. */
  readonly subnet: string;
  /** A /64; undefined for no IPv6. Of use in mode "bridge" only. */
  readonly ipv6: string | undefined;
}

/** How one of several VMs differs from the others. */
export interface VmSpecial {
  readonly vm: Partial<Omit<VmConfig, "net">>;
  readonly net: Partial<NetConfig>;
  /** undefined: the common address, on a port of its own. */
  readonly listen: ListenAddress | undefined;
}

export interface PortForward {
  readonly hostAddress: string;
  /** 0 lets the engine pick a free one. */
  readonly hostPort: number;
  readonly guestPort: number;
  readonly protocol: "tcp" | "udp";
}

/** A folder of the host in the guest. */
export interface Share {
  /** Relative to the folder of kdock.yaml, or absolute. */
  readonly folder: string;
  /** Absolute; undefined where only the project's folder tells what a relative one is called. */
  readonly mountPoint: string | undefined;
  readonly writable: boolean;
}

export interface GdbConfig {
  readonly enable: boolean;
  readonly listen: ListenAddress;
  /** Relative to the folder of kdock.yaml, or absolute; sourced in this order. */
  readonly scripts: readonly string[];
}

export interface ListenAddress {
  /** An IP address, IPv6 without brackets. */
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface ImagesConfig {
  /** "" when no registry is to be asked. */
  readonly registry: string;
  readonly mirror: string | undefined;
  readonly base: "auto" | "registry" | "bootstrap";
  /** A snapshot archive's address with @SNAPSHOTID@ where the moment stands; undefined lets apt find Debian's. */
  readonly snapshot: string | undefined;
}
