import type { HostPath } from "../../core/plan/container-spec.js";
import { INSIDE } from "../../core/plan/names.js";

export type DiskFormat = "raw" | "qcow2";

/** A disk of the guest, as it is found. */
export type Disk =
  | {
      readonly kind: "file";
      /** Absolute, without links. */
      readonly path: string;
      readonly readOnly: boolean;
      readonly format: DiskFormat;
    }
  /** Empty, and gone with the VM. */
  | { readonly kind: "scratch"; readonly bytes: number };

/** What a VM's label says about the files that it has: two must not write to one. */
export interface DiskInUse {
  readonly path: string;
  readonly readOnly: boolean;
}

/** File descriptors of QEMU's: images/vm/open-disks.pl opens them, because QEMU's user may not. */
const FIRST_FD = 20;
/** What virtio has room for. */
const SERIAL_BYTES = 20;

/**
 * The guest finds a disk by this in /sys/block/vda/serial, and as /dev/disk/by-id/virtio-NAME: the file's name without
 * its ending, or "scratch"; numbered where that is the same.
 */
export function diskNames(disks: readonly Disk[]): readonly string[] {
  const taken = new Set<string>();
  return disks.map((disk) => {
    const base = disk.kind === "scratch" ? "scratch" : baseName(disk.path);
    let name = base.slice(0, SERIAL_BYTES);
    for (let number = 2; taken.has(name); number += 1) {
      const suffix = `-${number}`;
      name = base.slice(0, SERIAL_BYTES - suffix.length) + suffix;
    }
    taken.add(name);
    return name;
  });
}

function baseName(path: string): string {
  const base = (path.split("/").at(-1) ?? "").replace(/(?<=.)\.[^.]*$/, "");
  return base.replace(/[^\w.-]+/g, "-").replace(/^[-.]+/, "") || "disk";
}

export function diskArgs(disks: readonly Disk[]): readonly string[] {
  const names = diskNames(disks);
  return disks.flatMap((disk, index) => {
    const [id, readOnly] = [`disk${index}`, disk.kind === "file" && disk.readOnly ? "on" : "off"];
    const format = disk.kind === "file" ? disk.format : "raw";
    return [
      ...["-add-fd", `fd=${FIRST_FD + index},set=${index}`],
      "-blockdev",
      // What the guest says it has written is on the disk; blocks that it frees are given back.
      `driver=${format},node-name=${id},read-only=${readOnly},discard=unmap,` +
        `file.driver=file,file.filename=/dev/fdset/${index}`,
      "-device",
      // A full disk of the host is an error in the guest, not a guest that stands still.
      `virtio-blk-pci,drive=${id},serial=${names[index] ?? ""},werror=report,rerror=report`,
    ];
  });
}

/** What images/vm/open-disks.pl reads: a line for each, the name that the user knows last. */
export function diskLines(disks: readonly Disk[]): string {
  return disks
    .map((disk, index) => {
      const [fd, at] = [FIRST_FD + index, inside(index)];
      return disk.kind === "scratch"
        ? `${fd} ${disk.bytes} ${at} a scratch disk`
        : `${fd} ${disk.readOnly ? "ro" : "rw"} ${at} ${disk.path}`;
    })
    .join("\n");
}

export function diskPaths(disks: readonly Disk[]): readonly HostPath[] {
  return disks.flatMap((disk, index) =>
    disk.kind === "scratch"
      ? []
      : [{ path: disk.path, target: inside(index), readOnly: disk.readOnly }],
  );
}

export function disksInUse(disks: readonly Disk[]): readonly DiskInUse[] {
  return disks.flatMap((disk) =>
    disk.kind === "scratch" ? [] : [{ path: disk.path, readOnly: disk.readOnly }],
  );
}

/** The first that another VM may not have at the same time: one of the two would write. */
export function conflict(
  wanted: readonly DiskInUse[],
  used: readonly DiskInUse[],
): DiskInUse | undefined {
  return wanted.find((disk) =>
    used.some((other) => other.path === disk.path && !(other.readOnly && disk.readOnly)),
  );
}

function inside(index: number): string {
  return `${INSIDE.disks}/${index}`;
}

/** Of a file that nobody has looked into. */
export function formatByName(path: string): DiskFormat {
  return path.endsWith(".qcow2") ? "qcow2" : "raw";
}

const SECTOR_BYTES = 512;

/** So much of a file `diskFormat` wants to see. */
export const HEADER_BYTES = 512;

/** First bytes of what is no disk as it stands, and what to do about it. */
const STRANGERS: readonly (readonly [at: number, magic: string, what: string])[] = [
  [0, "KDMV", "a VMDK image"],
  [0, "COWD", "a VMDK image"],
  [0, "# Disk DescriptorFile", "the description of a VMDK image"],
  [0, "vhdxfile", "a VHDX image"],
  [0, "conectix", "a VHD image"],
  [0, "QED\0", "a QED image"],
  [0, "WithoutFreeSpace", "a Parallels image"],
  [0, "WithouFreSpacExt", "a Parallels image"],
  [64, "\x7f\x10\xda\xbe", "a VDI image"],
];
const PACKED: readonly (readonly [magic: string, how: string])[] = [
  ["\x1f\x8b", "gunzip"],
  ["BZh", "bunzip2"],
  ["\xfd7zXZ\0", "unxz"],
  ["\x28\xb5\x2f\xfd", "unzstd"],
  ["PK\x03\x04", "unzip"],
];

/** What a disk's first bytes say it is, or why the guest cannot have it. */
export function diskFormat(
  header: Uint8Array,
  sizeBytes: number,
): { readonly format: DiskFormat } | { readonly problem: string; readonly hint: string } {
  const bytes = Buffer.from(header);
  const text = bytes.toString("latin1");
  if (sizeBytes === 0) {
    return { problem: "is empty", hint: "`truncate -s 1G FILE` makes it a disk of 1 GiB." };
  }
  if (text.startsWith("QFI\xfb")) return qcow2Format(bytes, sizeBytes);
  const stranger = STRANGERS.find(([at, magic]) => text.startsWith(magic, at));
  if (stranger !== undefined) {
    return {
      problem: `is ${stranger[2]}: kdock takes raw and qcow2`,
      hint: "`qemu-img convert -O qcow2 FILE NEW` makes one of it.",
    };
  }
  const packed = PACKED.find(([magic]) => text.startsWith(magic));
  if (packed !== undefined) {
    return { problem: "is compressed", hint: `Unpack it first: ${packed[1]}.` };
  }
  if (sizeBytes % SECTOR_BYTES === 0) return { format: "raw" };
  return {
    problem: `is no disk: it has ${sizeBytes} bytes, which are no whole sectors`,
    hint: `\`truncate -s %${SECTOR_BYTES} FILE\` fills up the last one.`,
  };
}

/** Where in its header; "map" is what the format calls the L1 table. */
const QCOW2 = {
  ...{ version: 4, backingFile: 8, encryption: 32, mapEntries: 36, mapOffset: 40 },
  ...{ features: 72, minBytes: 72 },
} as const;
const EXTERNAL_DATA = 4n;

/** An image that needs another file would look for it in the VM's container. */
function qcow2Format(bytes: Buffer, sizeBytes: number): ReturnType<typeof diskFormat> {
  const convert = "`qemu-img convert -O qcow2 FILE NEW` makes one that needs no other.";
  const tooShort = {
    problem: "begins as a qcow2 image and ends too early",
    hint: "Is the copy whole?",
  };
  if (bytes.length < QCOW2.minBytes) return tooShort;
  const version = bytes.readUInt32BE(QCOW2.version);
  if (version !== 2 && version !== 3) {
    return { problem: `is a qcow image of version ${version}: kdock takes 2 and 3`, hint: convert };
  }
  const map = bytes.readBigUInt64BE(QCOW2.mapOffset);
  const mapEnd = map + BigInt(bytes.readUInt32BE(QCOW2.mapEntries)) * 8n;
  if (mapEnd > BigInt(sizeBytes)) return tooShort;
  if (bytes.readBigUInt64BE(QCOW2.backingFile) !== 0n) {
    return { problem: "is a qcow2 image on top of another file", hint: convert };
  }
  if (bytes.readUInt32BE(QCOW2.encryption) !== 0) {
    return {
      problem: "is an encrypted qcow2 image",
      hint: "Decrypt it first, with qemu-img convert.",
    };
  }
  const isExternal =
    version === 3 &&
    bytes.length >= QCOW2.features + 8 &&
    (bytes.readBigUInt64BE(QCOW2.features) & EXTERNAL_DATA) !== 0n;
  if (isExternal)
    return { problem: "is a qcow2 image with its data in another file", hint: convert };
  return { format: "qcow2" };
}
