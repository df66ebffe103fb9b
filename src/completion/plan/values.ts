import { PRESETS } from "../../config/values.js";

/** Names that are looked up when they are asked for. */
export type NameKind =
  /** VMs of the project that run. */
  | "running-vm"
  /** VMs of the project, running or ended. */
  | "vm"
  /** The same as running ones, as the beginning of a path in the guest: "vm:". */
  | "guest-path"
  /** VMs of kdock.yaml. */
  | "configured-vm"
  | "kernel-key"
  /** Keys of all stages and sets, and "current". */
  | "any-key"
  /** Options of the kernel that was built last. */
  | "kernel-option"
  /** The same, with a value: "NET=y". */
  | "kernel-setting"
  /** Options in kernel.set of kdock.yaml. */
  | "configured-option"
  /** Functions of the kernel that was built last. */
  | "function"
  /** Modules that `kdock module build` built. */
  | "module";

export type PathKind = "files" | "folders" | "none";

/** What a value may be. */
export interface Value {
  readonly words?: readonly string[];
  readonly names?: readonly NameKind[];
  readonly paths?: PathKind;
  /** Of an argument of several words: only the first of them. */
  readonly onlyFirst?: boolean;
}

const FILES: Value = { paths: "files" };
const FOLDERS: Value = { paths: "folders" };
const RUNNING: Value = { names: ["running-vm"] };
const ANY_VM: Value = { names: ["vm"] };
const CONFIGURED: Value = { names: ["configured-vm"] };
const SOURCE: Value = { words: ["debian:", "release:", "git:", "path:"], paths: "folders" };
const KERNEL: Value = { ...SOURCE, names: ["kernel-key"] };
const PRESET: Value = { words: [...PRESETS, "file:"], paths: "files" };

/**
 * By what stands in a command's definition: "COMMAND --option", "COMMAND argument", "COMMAND --" for what follows the two
 * dashes, else "--option", else the name of the argument or of the option's value. What has choices there needs no row.
 */
export const VALUES: Readonly<Record<string, Value>> = {
  file: FILES,
  folder: FOLDERS,
  vm: RUNNING,
  "--vm": RUNNING,
  // A VM is offered behind --vm only, where its place as an operand is an older spelling.
  "capture words": {},
  "net check vm": {},
  "module load vm": {},
  "net shape parameters": { words: ["off"], onlyFirst: true },
  "exec words": { ...RUNNING, onlyFirst: true },
  "exec --": {},
  "exec --cwd": {},
  "cp from": { names: ["guest-path"], paths: "files" },
  "cp to": { names: ["guest-path"], paths: "files" },
  "logs vm": ANY_VM,
  "stop vm": ANY_VM,
  "logs --vm": ANY_VM,
  "stop --vm": ANY_VM,
  "decode --vm": ANY_VM,
  "up names": CONFIGURED,
  "up --vm": CONFIGURED,
  "run --name": CONFIGURED,
  "--preset": PRESET,
  "--presets": PRESET,
  "--toolchain": { words: ["auto", "gcc-", "clang-"] },
  "--kernel": SOURCE,
  "--kernels": SOURCE,
  "run --kernel": KERNEL,
  "up --kernel": KERNEL,
  "debug --kernel": KERNEL,
  "trap --kernel": KERNEL,
  "--busybox": { words: ["release:"] },
  // In the kernel's source.
  "--deoptimize": {},
  "--disk": FILES,
  "--share": FOLDERS,
  "--dump-on-panic": FILES,
  key: { names: ["kernel-key"] },
  key1: { names: ["any-key"] },
  key2: { names: ["any-key"] },
  "config diff other": { ...SOURCE, ...PRESET, words: PRESETS, names: ["any-key"] },
  option: { names: ["kernel-option"] },
  "config unset option": { names: ["configured-option"] },
  "option=value": { names: ["kernel-setting"] },
  place: { names: ["function"] },
  "debug --": FILES,
  // Of gdb, drgn and crash: scripts.
  arguments: FILES,
  "module load name": { names: ["module"] },
};

/** The first row that there is; nothing is known of a value without. */
export function valueFor(places: readonly string[]): Value {
  const row = places.find((place) => Object.hasOwn(VALUES, place));
  return row === undefined ? {} : (VALUES[row] ?? {});
}
