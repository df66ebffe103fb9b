import { KdockError } from "../../core/errors.js";
import { missingOptions } from "./guest-needs.js";

/** What a guest gets as its initramfs: kdock's root, and the kernel's modules behind it. */
export interface InitramfsSizes {
  /** Bytes of the archives as they are handed over. */
  readonly packed: number;
  /** Bytes of the files in them, each in whole pages. */
  readonly unpacked: number;
  /** How many files, folders and links there are. */
  readonly entries: number;
  /** Bytes of the modules' archive, a part of `packed`. */
  readonly modules: number;
}

export interface RoomRequest {
  readonly memoryMiB: number;
  readonly sizes: InitramfsSizes;
  /** From its first byte in memory to its last. */
  readonly kernelBytes: number;
  /** The text of the kernel's .config. */
  readonly config: string;
  /** `vm.append` */
  readonly append: string;
  /** Whether QEMU puts the initramfs below 2 GiB. */
  readonly isX86: boolean;
}

const MIB = 2 ** 20;
/** What the kernel has set aside, apart from itself, before it looks at how much memory there is. */
const EARLY_BYTES = 6 * MIB;
/** The kernel's notes about its memory: 64 bytes for each page, and tables that grow with it. */
const NOTES_SHARE = 0.02;
/** The root is written to while the guest works. */
const SPARE_BYTES = 4 * MIB;
const SPARE_ENTRIES = 512;
/** Half of the pages may be files, one each. */
const BYTES_PER_ENTRY = 2 * 4096;
/** For the first process, where nothing but the memory's end limits the root. */
const PROCESS_BYTES = 8 * MIB;
/** What QEMU loads for a PC, whose kernel is there as well. */
const MAX_PACKED_X86 = 1920 * MIB;

/**
 * Throws a `config` error that names the smallest memory for a guest whose root does not fit. While it boots, the archive and
 * what comes out of it are both in memory, and the root is a tmpfs: half of what is free beside the archive, and as many files
 * as half of that has pages (mm/shmem.c). A kernel that runs out of either goes on with half a root.
 */
export function requireRoom(request: RoomRequest): void {
  const { memoryMiB, sizes } = request;
  const { packed, modules } = sizes;
  const what =
    2 * modules > packed
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
    `${what} does not fit into the guest's memory (${memoryMiB}M): while it boots it is there packed and unpacked, and a root may take half of what is left`,
    {
      hint: `Give it more: --memory ${needed}M (vm.memory) is the least; or share large files from the host (vm.shares).`,
    },
  );
}

function mib(bytes: number): number {
  return Math.ceil(bytes / MIB);
}

/** Of the machine's memory. */
function neededBytes({ sizes, kernelBytes, config, append }: RoomRequest): number {
  const { packed, unpacked, entries } = sizes;
  const free = isLimited(config, append)
    ? Math.max(2 * (unpacked + SPARE_BYTES), (entries + SPARE_ENTRIES) * BYTES_PER_ENTRY)
    : unpacked + PROCESS_BYTES;
  const shadow = missingOptions(config, ["CONFIG_KASAN_GENERIC"]).length === 0 ? 1 / 8 : 0;
  return (free + packed + kernelBytes + EARLY_BYTES) / (1 - NOTES_SHARE - shadow);
}

/** Without tmpfs, and where a root is named on the command line, the initramfs is a ramfs, which takes all there is. */
function isLimited(config: string, append: string): boolean {
  if (missingOptions(config, ["CONFIG_TMPFS"]).length > 0) return false;
  if (/(?:^|\s)initramfs_options=/.test(append)) return false;
  return !/(?:^|\s)root=/.test(append) || /(?:^|\s)rootfstype=\S*tmpfs/.test(append);
}

/** The kernel's size in memory, by the text of its System.map; undefined where that does not say. */
export function kernelSize(systemMap: string): number | undefined {
  const at = (name: string) => new RegExp(`^([0-9a-f]+) \\S ${name}$`, "m").exec(systemMap)?.[1];
  const [start, end] = [at("_text"), at("_end")];
  if (start === undefined || end === undefined) return undefined;
  return Number(BigInt(`0x${end}`) - BigInt(`0x${start}`));
}
