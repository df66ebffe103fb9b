const SHT_NOTE = 7;
const NT_GNU_BUILD_ID = 3;
const OWNER = "GNU\0";

/** The GNU build id of a 64-bit little-endian ELF file, in hexadecimal digits; undefined without one. */
export function buildIdOf(vmlinux: Uint8Array): string | undefined {
  const file = Buffer.from(vmlinux.buffer, vmlinux.byteOffset, vmlinux.byteLength);
  if (file.length < 64 || file.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return undefined;
  const table = Number(file.readBigUInt64LE(40));
  const [size, count] = [file.readUInt16LE(58), file.readUInt16LE(60)];
  for (let index = 0; index < count; index += 1) {
    const row = table + index * size;
    if (row + 64 > file.length) return undefined;
    if (file.readUInt32LE(row + 4) !== SHT_NOTE) continue;
    const at = Number(file.readBigUInt64LE(row + 24));
    const found = inNotes(file.subarray(at, at + Number(file.readBigUInt64LE(row + 32))));
    if (found !== undefined) return found;
  }
  return undefined;
}

function inNotes(notes: Buffer): string | undefined {
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4)];
    const body = at + 12 + padded(nameSize);
    const owner = notes.toString("latin1", at + 12, at + 12 + nameSize);
    if (owner === OWNER && notes.readUInt32LE(at + 8) === NT_GNU_BUILD_ID) {
      return notes.toString("hex", body, body + size);
    }
    at = body + padded(size);
  }
  return undefined;
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}
