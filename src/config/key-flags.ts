/**
 * Flags that stand for keys of kdock.yaml: `{ vm: { cpus: "2" } }` out of `--cpus 2`. One table, so that the flag's
 * name in an error message is the flag the user typed.
 */
const KEYS = {
  preset: ["kernel", "preset"],
  kernel: ["kernel", "source"],
  arch: ["kernel", "arch"],
  toolchain: ["kernel", "toolchain"],
  set: ["kernel", "set"],
  fragment: ["kernel", "fragments"],
  deoptimize: ["kernel", "deoptimize"],
  jobs: ["kernel", "jobs"],
  busybox: ["busybox", "source"],
  overlay: ["rootfs", "overlay"],
  initScript: ["rootfs", "init"],
  strictInit: ["rootfs", "strict"],
  cpus: ["vm", "cpus"],
  cpu: ["vm", "cpu"],
  numa: ["vm", "numa"],
  disk: ["vm", "disks"],
  memory: ["vm", "memory"],
  append: ["vm", "append"],
  accel: ["vm", "accel"],
  privilege: ["vm", "privilege"],
  nic: ["vm", "nic"],
  net: ["vm", "net", "mode"],
  subnet: ["vm", "net", "subnet"],
  ipv6: ["vm", "net", "ipv6"],
  publish: ["vm", "ports"],
  share: ["vm", "shares"],
  qemuArg: ["vm", "qemu"],
  dumpOnPanic: ["vm", "dumpOnPanic"],
  gdb: ["gdb", "listen"],
} as const;

/** Flags that change artifacts. */
export const BUILD_FLAGS = (Object.keys(KEYS) as (keyof typeof KEYS)[]).filter((flag) =>
  ["kernel", "busybox", "rootfs"].includes(KEYS[flag][0]),
);

export interface KeyFlags extends Readonly<Partial<Record<keyof typeof KEYS, unknown>>> {
  /** Short for --accel kvm. */
  readonly requireKvm?: boolean;
}

/** "initScript" → "--init-script". */
export function flagName(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** For error messages: "gdb.listen" → "--gdb". */
export const FLAG_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(KEYS).map(([flag, path]) => [path.join("."), flagName(flag)]),
);

/** The nested partial that config's `flagLayer` reads. */
export function keyValues(flags: KeyFlags): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [flag, path] of Object.entries(KEYS)) {
    const value = flags[flag as keyof typeof KEYS];
    if (value === undefined) continue;
    // `--no-gdb` is the key gdb.enable.
    if (flag === "gdb" && value === false) put(values, ["gdb", "enable"], false);
    else if (!(flag === "gdb" && value === true)) put(values, path, value);
  }
  if (flags.requireKvm === true) put(values, KEYS.accel, "kvm");
  return values;
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head = "", ...rest] = path;
  if (rest.length === 0) values[head] = value;
  else put((values[head] ??= {}) as Record<string, unknown>, rest, value);
}
