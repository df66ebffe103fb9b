import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT } from "../../support/kdock.js";

const [PC32, PLT32, ABS64] = [2, 4, 1];
const [PROGBITS, RELA, ALLOC] = [1, 4, 2];

interface Section {
  readonly type: number;
  readonly flags: number;
  /** Of relocations: the section that they are for. */
  readonly of?: number;
  readonly content: Buffer;
}

const relocations = (...types: readonly number[]) =>
  Buffer.concat(
    types.map((type, index) => {
      const entry = Buffer.alloc(24);
      entry.writeBigUInt64LE(BigInt(index * 8), 0);
      // The symbol is in the upper half: a 4 there is none of the type's.
      entry.writeBigUInt64LE((4n << 32n) | BigInt(type), 8);
      entry.writeBigInt64LE(-4n, 16);
      return entry;
    }),
  );

/** An object as a linker writes it, as far as plt32.pl looks. */
function elf(sections: readonly Section[]): Buffer {
  const all = [{ type: 0, flags: 0, content: Buffer.alloc(0) }, ...sections];
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  let at = 64;
  const table = all.map(({ type, flags, of, content }: Section) => {
    const row = Buffer.alloc(64);
    row.writeUInt32LE(type, 4);
    row.writeBigUInt64LE(BigInt(flags), 8);
    row.writeBigUInt64LE(BigInt(at), 24);
    row.writeBigUInt64LE(BigInt(content.length), 32);
    row.writeUInt32LE(of ?? 0, 44);
    at += content.length;
    return row;
  });
  header.writeBigUInt64LE(BigInt(at), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(all.length, 60);
  return Buffer.concat([header, ...all.map(({ content }) => content), ...table]);
}

const folder = mkdtempSync(join(tmpdir(), "kdock-plt32-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function renamed(bytes: Buffer): Promise<{ stderr: string; bytes: Buffer }> {
  const file = join(folder, "module.ko");
  writeFileSync(file, bytes);
  const { stderr } = await execa("perl", [`${ROOT}images/kernel/plt32.pl`, file], {
    reject: false,
  });
  return { stderr, bytes: readFileSync(file) };
}

describe("plt32.pl", () => {
  const code: Section = { type: PROGBITS, flags: ALLOC, content: Buffer.alloc(16, 4) };
  const debug: Section = { type: PROGBITS, flags: 0, content: Buffer.alloc(16, 4) };
  const of = (target: number, ...types: readonly number[]): Section => ({
    ...{ type: RELA, flags: 0, of: target, content: relocations(...types) },
  });

  it("renames relocations of calls, and nothing else of the file", async () => {
    const before = elf([code, of(1, ABS64, PLT32, PC32, PLT32), debug, of(3, PLT32)]);
    const after = elf([code, of(1, ABS64, PC32, PC32, PC32), debug, of(3, PLT32)]);
    expect(await renamed(before)).toEqual({ stderr: "", bytes: after });
  });

  it("leaves a file without relocations as it is", async () => {
    const bytes = elf([code]);
    expect(await renamed(bytes)).toEqual({ stderr: "", bytes });
  });

  it.each([
    ["what is no ELF file", Buffer.alloc(100), "is no 64-bit ELF file"],
    ["a file that is cut off", elf([code, of(1, PLT32)]).subarray(0, 120), "ends too early"],
  ])("refuses %s", async (_what, bytes, words) => {
    expect((await renamed(bytes)).stderr).toContain(words);
  });
});

describe("ld.sh", () => {
  /** What the linker is told; it writes a file that is no ELF file, with `words` in it. */
  async function link(...words: readonly string[]): Promise<{ told: string; stderr: string }> {
    const linker = join(folder, "linker");
    const script =
      'echo "$@" >told; while [ $# -gt 1 ]; do [ "$1" != -o ] || echo no >"$2"; shift; done';
    writeFileSync(linker, `#!/bin/sh\n${script}\n`);
    chmodSync(linker, 0o755);
    const { stderr } = await execa("sh", [`${ROOT}images/kernel/ld.sh`, ...words], {
      ...{ cwd: folder, env: { KDOCK_LD: linker }, reject: false },
    });
    return { told: readFileSync(join(folder, "told"), "utf8").trim(), stderr };
  }

  it.each(["vmlinux", ".tmp_vmlinux2"])(
    "asks for pages of 2 MiB, and renames: %s",
    async (name) => {
      const { told, stderr } = await link("-m", "elf_x86_64", "-o", name, "-T", "x.lds");
      expect(told).toBe(`-z max-page-size=0x200000 -m elf_x86_64 -o ${name} -T x.lds`);
      expect(stderr).toBe(`plt32.pl: ${name}: it ends too early`);
    },
  );

  it("renames in a module", async () => {
    const { told, stderr } = await link("-r", "-o", "x.ko", "x.o");
    expect(told).toBe("-r -o x.ko x.o");
    expect(stderr).toBe("plt32.pl: x.ko: it ends too early");
  });

  it.each([
    ["-r", "-o", "built-in.o", "a.o"],
    ["-o", "boot.vmlinux", "-T", "x.lds"],
    ["--version", "-x"],
  ])("leaves everything else to the linker: %s %s %s", async (...words) => {
    expect(await link(...words)).toEqual({ told: words.join(" "), stderr: "" });
  });
});
