/** What the kernel and its guest are built for; see `src/core/plan/architectures.ts`. */
export const ARCHITECTURE_NAMES = ["x86_64", "arm64", "riscv64"] as const;

export type Architecture = (typeof ARCHITECTURE_NAMES)[number];

/** The one that goes without saying: in keys, in names, and in what containers are told. */
export const USUAL_ARCHITECTURE = "x86_64" satisfies Architecture;

/** Presets that kdock has itself. */
export const PRESETS = ["debug", "defconfig", "tiny", "host"] as const;

export type KernelPreset = (typeof PRESETS)[number] | `file:${string}`;

/** Full option name to the value's text in a .config; "n" stands for "is not set". */
export type KconfigSettings = Readonly<Record<`CONFIG_${string}`, string>>;

export type DiskRequest =
  /** Relative to the folder of kdock.yaml, or absolute. */
  | { readonly kind: "file"; readonly path: string; readonly readOnly: boolean }
  | { readonly kind: "scratch"; readonly bytes: number };

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

export interface ListenAddress {
  /** An IP address, IPv6 without brackets. */
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/**
 * What the guest's network card is plugged into: a bridge in the VM container's own network namespace, one on the host,
 * QEMU's own network stack, or nothing (there is no card then).
 */
export const NET_MODES = ["bridge", "host", "user", "none"] as const;

export type NetMode = (typeof NET_MODES)[number];

export const ACCELERATORS = ["auto", "kvm", "tcg"] as const;

export type Accelerator = (typeof ACCELERATORS)[number];
