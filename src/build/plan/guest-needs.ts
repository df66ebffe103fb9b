import { KdockError } from "../../core/errors.js";

/** Kernel options for parts of the machine. Built in: kdock's guest loads no modules before it is ready. */
export const NEEDS = {
  disk: ["CONFIG_BLOCK", "CONFIG_BLK_DEV", "CONFIG_VIRTIO_BLK"],
  virtiofs: ["CONFIG_FUSE_FS", "CONFIG_VIRTIO_FS"],
  "9p": ["CONFIG_NETWORK_FILESYSTEMS", "CONFIG_NET_9P", "CONFIG_NET_9P_VIRTIO", "CONFIG_9P_FS"],
  /** Architectures need more: see `ArchitectureRow`. */
  numa: ["CONFIG_SMP", "CONFIG_NUMA"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The options of `needed` that a .config does not set to y. */
export function missingOptions(config: string, needed: readonly string[]): readonly string[] {
  const lines = new Set(config.split(/\r?\n/));
  return needed.filter((option) => !lines.has(`${option}=y`));
}

/** Throws a `config` error that names missing options. */
export function requireOptions(config: string, what: string, needed: readonly string[]): void {
  const missing = missingOptions(config, needed);
  if (missing.length === 0) return;
  throw new KdockError(
    "config",
    `${what} needs ${missing.map((option) => `${option}=y`).join(", ")}, which this kernel is built without`,
    {
      hint: `Build one that has it: ${missing.map((option) => `--set ${option}=y`).join(" ")} (kernel.set in kdock.yaml).`,
    },
  );
}

/** A message if the kernel, by its .config, supports fewer processors than the machine has; otherwise undefined. */
export function idleProcessors(config: string, cpus: number): string | undefined {
  const isMany = missingOptions(config, ["CONFIG_SMP"]).length === 0;
  const most = isMany ? Number(/^CONFIG_NR_CPUS=(\d+)$/m.exec(config)?.[1] ?? cpus) : 1;
  if (cpus <= most) return undefined;
  const cure = `${isMany ? "" : "--set CONFIG_SMP=y "}--set CONFIG_NR_CPUS=${cpus}`;
  return `this kernel is built for ${most} processor${most > 1 ? "s" : ""} at most, and does not use the rest of ${cpus}; ${cure} (kernel.set) builds one for all`;
}
