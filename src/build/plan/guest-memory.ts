import { KdockError } from "../../core/errors.js";
import { missingOptions } from "./guest-needs.js";

/** Sizes of a guest's initramfs: kdock's root, followed by the kernel's modules. */
export interface InitramfsSizes {
  /** Bytes of the archives. */
  readonly packed: number;
  /** Bytes of the files in them, in whole pages. */
  readonly unpacked: number;
  /** Number of files, folders and links. */
  readonly entries: number;
  /** Bytes of the modules' archive, a part of `packed`. */
  readonly modules: number;
}

export interface MemoryRequest {
  readonly memoryMiB: number;
  readonly sizes: InitramfsSizes;
  /** Size of the kernel in memory. */
  readonly kernelBytes: number;
  /** The text of the kernel's .config. */
  readonly config: string;
  /** `vm.append` */
  readonly append: string;
  /** Whether QEMU puts the initramfs below 2 GiB. */
  readonly isX86: boolean;
}

const MIB = 2 ** 20;
/** Memory that the kernel reserves early, apart from its image. */
const EARLY_BYTES = 6 * MIB;
/** The kernel's page structures, 64 bytes for each page, and tables that grow with memory. */
const PAGE_STRUCT_SHARE = 0.02;
/** Spare space for files that the guest writes to its root. */
const SPARE_BYTES = 4 * MIB;
const SPARE_ENTRIES = 512;
/** A tmpfs allows one inode for every second page. */
const BYTES_PER_ENTRY = 2 * 4096;
/** For the first process, if the root is not limited by tmpfs. */
const PROCESS_BYTES = 8 * MIB;
/** The limit of QEMU for a PC: kernel and initramfs are below 2 GiB. */
const MAX_PACKED_X86 = 1920 * MIB;

/**
 * Throws a `config` error with the least memory for a guest whose root does not fit. During boot both the archive and the
 * unpacked files are in memory, and the root is a tmpfs: limited to half of the memory that is free beside the archive, and to
 * one inode for every second page (mm/shmem.c). A kernel that exceeds a limit boots with an incomplete root.
 */
export function requireGuestMemory(request: MemoryRequest): void {
  const { memoryMiB, sizes } = request;
  const { packed, modules } = sizes;
  const isModules = 2 * modules > packed;
  const what = isModules
    ? `the kernel's modules (${mib(modules)} MiB)`
    : `the guest's root (${mib(packed)} MiB)`;
  if (request.isX86 && packed > MAX_PACKED_X86) {
    throw new KdockError("config", `${what} cannot be an initramfs: QEMU takes less than 2 GiB`, {
      hint: "Share large files from the host (vm.shares), or put them on a disk (vm.disks).",
    });
  }
  const needed = Math.ceil(neededBytes(request) / MIB / 16) * 16;
  if (needed <= memoryMiB) return;
  throw new KdockError(
    "config",
    `${what} ${isModules ? "do" : "does"} not fit into the guest's memory (${memoryMiB}M): during boot the initramfs is in memory packed and unpacked, and the root may use half of the rest`,
    {
      hint: `Give it at least --memory ${needed}M (vm.memory), or share large files from the host (vm.shares).`,
    },
  );
}

function mib(bytes: number): number {
  return Math.ceil(bytes / MIB);
}

/** The least memory of the machine. */
function neededBytes({ sizes, kernelBytes, config, append }: MemoryRequest): number {
  const { packed, unpacked, entries } = sizes;
  const free = isLimited(config, append)
    ? Math.max(2 * (unpacked + SPARE_BYTES), (entries + SPARE_ENTRIES) * BYTES_PER_ENTRY)
    : unpacked + PROCESS_BYTES;
  const shadow = missingOptions(config, ["CONFIG_KASAN_GENERIC"]).length === 0 ? 1 / 8 : 0;
  return (free + packed + kernelBytes + EARLY_BYTES) / (1 - PAGE_STRUCT_SHARE - shadow);
}

/** Without tmpfs, or with root= on the command line, the initramfs is a ramfs, which has no limit. */
function isLimited(config: string, append: string): boolean {
  if (missingOptions(config, ["CONFIG_TMPFS"]).length > 0) return false;
  if (/(?:^|\s)initramfs_options=/.test(append)) return false;
  return !/(?:^|\s)root=/.test(append) || /(?:^|\s)rootfstype=\S*tmpfs/.test(append);
}

/** The kernel's size in memory, by its System.map; undefined if that lacks the symbols. */
export function kernelSize(systemMap: string): number | undefined {
  const at = (name: string) => new RegExp(`^([0-9a-f]+) \\S ${name}$`, "m").exec(systemMap)?.[1];
  const [start, end] = [at("_text"), at("_end")];
  if (start === undefined || end === undefined) return undefined;
  return Number(BigInt(`0x${end}`) - BigInt(`0x${start}`));
}
