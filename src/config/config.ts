import type { Values } from "./row.js";
import type { ROWS } from "./rows/rows.js";
import type { Architecture, ListenAddress } from "./values.js";

export * from "./values.js";

type File = Values<typeof ROWS>;

/** What a run is made from: every key present, every value in the form that plans use. Paths are as the user wrote them. */
export interface Config extends Omit<File, "kernel" | "vm" | "vms"> {
  readonly kernel: KernelConfig;
  readonly vm: VmConfig;
  /** By name, in the order of the file. */
  readonly vms: Readonly<Record<string, VmSpecial>>;
}

export interface KernelConfig extends Omit<File["kernel"], "arch"> {
  readonly arch: Architecture;
}

export interface VmConfig extends Omit<File["vm"], "memory"> {
  readonly memoryMiB: number;
}

export type NetConfig = File["vm"]["net"];

export type GdbConfig = File["gdb"];

/** How one of several VMs differs from the others. */
export interface VmSpecial {
  readonly vm: Partial<Omit<VmConfig, "net">>;
  readonly net: Partial<NetConfig>;
  /** undefined: the common address, on a port of its own. */
  readonly listen: ListenAddress | undefined;
}
