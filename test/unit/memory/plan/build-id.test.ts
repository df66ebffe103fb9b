import { describe, expect, it } from "vitest";
import { buildIdOf } from "../../../../src/memory/plan/build-id.js";

function note(owner: string, kind: number, description: Buffer): Buffer {
  const name = Buffer.from(`${owner}\0`.padEnd(Math.ceil((owner.length + 1) / 4) * 4, "\0"));
  const head = Buffer.alloc(12);
  head.writeUInt32LE(owner.length + 1, 0);
  head.writeUInt32LE(description.length, 4);
  head.writeUInt32LE(kind, 8);
  return Buffer.concat([head, name, description]);
}

/** An ELF file with one section: notes. */
function elf(notes: Buffer): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01", 0, "latin1");
  header.writeBigUInt64LE(64n, 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(2, 60);
  const row = Buffer.alloc(64);
  row.writeUInt32LE(7, 4);
  row.writeBigUInt64LE(192n, 24);
  row.writeBigUInt64LE(BigInt(notes.length), 32);
  return Buffer.concat([header, Buffer.alloc(64), row, notes]);
}

const ID = Buffer.from("00112233445566778899aabbccddeeff01020304", "hex");

describe("buildIdOf", () => {
  it("finds the build id among other notes", () => {
    const notes = [note("Linux", 0x100, Buffer.alloc(4)), note("GNU", 3, ID)];
    expect(buildIdOf(elf(Buffer.concat(notes)))).toBe(ID.toString("hex"));
  });

  it.each([
    ["an ELF file without a build id", elf(note("Xen", 3, ID))],
    ["a file that is not ELF", Buffer.from("#!/bin/sh\n".padEnd(100))],
    ["a truncated ELF file", elf(note("GNU", 3, ID)).subarray(0, 130)],
    ["an empty file", Buffer.alloc(0)],
  ])("is undefined for %s", (_what, file) => {
    expect(buildIdOf(file)).toBeUndefined();
  });
});
