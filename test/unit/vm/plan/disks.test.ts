import { describe, expect, it } from "vitest";
import {
  conflict,
  type Disk,
  diskArgs,
  diskPaths,
  diskFormat,
  diskLines,
  diskNames,
} from "../../../../src/vm/plan/disks.js";

const file = (path: string, readOnly = false): Disk => ({
  kind: "file",
  path,
  readOnly,
  format: "raw",
});
const SCRATCH: Disk = { kind: "scratch", bytes: 2 ** 30 };

it("names fit in a serial number, and no two are the same", () => {
  const paths = ["/a/data.img", "/b/data.qcow2", "/c/data-2.img", "/d/.hidden", "/e/ü ß.img"];
  const long = file(`/f/${"n".repeat(40)}.img`);
  const names = diskNames([...paths.map((path) => file(path)), SCRATCH, SCRATCH, long, long]);
  expect(names).toEqual([
    ...["data", "data-2", "data-2-2", "hidden", "disk", "scratch", "scratch-2"],
    ...["n".repeat(20), `${"n".repeat(18)}-2`],
  ]);
});

it("QEMU gets open files, never a path of the host", () => {
  const disks: Disk[] = [
    { kind: "file", path: "/home/ada/my root.qcow2", readOnly: true, format: "qcow2" },
    SCRATCH,
  ];
  expect(diskArgs(disks)).toEqual([
    ...["-add-fd", "fd=20,set=0", "-blockdev"],
    "driver=qcow2,node-name=disk0,read-only=on,discard=unmap,file.driver=file,file.filename=/dev/fdset/0",
    ...["-device", "virtio-blk-pci,drive=disk0,serial=my-root,werror=report,rerror=report"],
    ...["-add-fd", "fd=21,set=1", "-blockdev"],
    "driver=raw,node-name=disk1,read-only=off,discard=unmap,file.driver=file,file.filename=/dev/fdset/1",
    ...["-device", "virtio-blk-pci,drive=disk1,serial=scratch,werror=report,rerror=report"],
  ]);
  expect(diskLines(disks)).toBe(
    "20 ro /disks/0 /home/ada/my root.qcow2\n21 1073741824 /disks/1 a scratch disk",
  );
  expect(diskPaths(disks)).toEqual([
    { path: "/home/ada/my root.qcow2", target: "/disks/0", readOnly: true },
  ]);
});

it.each([
  [false, false, true],
  [false, true, true],
  [true, false, true],
  [true, true, false],
])("wanted read-only %s, used read-only %s: a conflict is %s", (wanted, used, expected) => {
  const found = conflict(
    [{ path: "/x", readOnly: wanted }],
    [
      { path: "/y", readOnly: false },
      { path: "/x", readOnly: used },
    ],
  );
  expect(found !== undefined).toBe(expected);
});

describe("diskFormat", () => {
  const qcow2 = (change: (header: Buffer) => void = () => undefined) => {
    const header = Buffer.alloc(512);
    header.write("QFI\xfb", "latin1");
    header.writeUInt32BE(3, 4);
    change(header);
    return header;
  };
  const bytes = (text: string) => Buffer.from(text.padEnd(512, "\0"), "latin1");

  it("knows raw and qcow2", () => {
    expect(diskFormat(Buffer.alloc(512), 1 << 20)).toEqual({ format: "raw" });
    expect(diskFormat(qcow2(), 196_616)).toEqual({ format: "qcow2" });
    expect(
      diskFormat(
        qcow2((header) => header.writeUInt32BE(2, 4)),
        196_616,
      ),
    ).toEqual({
      format: "qcow2",
    });
  });

  it.each([
    ["no bytes", Buffer.alloc(0), 0, "is empty"],
    ["a text", bytes("vm: {}"), 19, "is no disk: it has 19 bytes"],
    ["VMDK", bytes("KDMV"), 512, "VMDK"],
    ["VDI", bytes("\0".repeat(64) + "\x7f\x10\xda\xbe"), 512, "VDI"],
    ["VHDX", bytes("vhdxfile"), 512, "VHDX"],
    ["gzip", bytes("\x1f\x8b\x08"), 512, "compressed"],
    ["zstd", bytes("\x28\xb5\x2f\xfd"), 512, "compressed"],
    ["half a header", qcow2().subarray(0, 40), 40, "ends too early"],
    ["half a copy", qcow2((h) => h.writeBigUInt64BE(196_608n, 40)), 131_072, "ends too early"],
    ["a version of tomorrow", qcow2((h) => h.writeUInt32BE(4, 4)), 512, "version 4"],
    ["a backing file", qcow2((h) => h.writeBigUInt64BE(600n, 8)), 512, "on top of another"],
    ["encryption", qcow2((h) => h.writeUInt32BE(2, 32)), 512, "encrypted"],
    ["a data file", qcow2((h) => h.writeBigUInt64BE(4n, 72)), 512, "in another file"],
  ])("refuses %s", (_what, header, size, problem) => {
    const verdict = diskFormat(header, size);
    expect("problem" in verdict && verdict.problem).toContain(problem);
  });
});
