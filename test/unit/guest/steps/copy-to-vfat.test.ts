import type * as fs from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expect, it, vi } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { copyOut } from "../../../../src/guest/steps/copy-out.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { LocalGuest } from "../local-guest.js";

/** Below a folder "vfat" there are no modes and times, no links, no names with colons, question marks or more than 200 characters, and no files of 100 KB. */
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof fs>();
  const fail = (code: string) => Promise.reject(Object.assign(new Error(`${code}: x`), { code }));
  const isThere = async (path: string) =>
    (await real.realpath(dirname(path)).catch(() => "")).includes("/vfat");
  const naming = async <T>(path: string, make: () => Promise<T>): Promise<T> => {
    if (!(await isThere(path))) return await make();
    if (basename(path).includes(":")) return await fail("EINVAL");
    if (basename(path).includes("?")) return await fail("ENOENT");
    if (basename(path).length > 200) return await fail("ENAMETOOLONG");
    return await make();
  };
  const change =
    <T extends unknown[]>(make: (path: string, ...more: T) => Promise<void>) =>
    async (path: string, ...more: T) =>
      (await isThere(`${path}/x`)) ? fail("EPERM") : make(path, ...more);
  return {
    ...real,
    chmod: change(real.chmod),
    utimes: change(real.utimes),
    mkdir: (path: string, ...more: never[]) => naming(path, () => real.mkdir(path, ...more)),
    rename: (from: string, to: string) => naming(to, () => real.rename(from, to)),
    link: async (from: string, to: string) =>
      (await isThere(to)) ? fail("EPERM") : real.link(from, to),
    copyFile: (from: string, to: string, mode: number) =>
      naming(to, () => real.copyFile(from, to, mode)),
    symlink: async (text: string, path: string) =>
      (await isThere(path)) ? fail("EPERM") : real.symlink(text, path),
    open: (path: string, ...more: never[]) =>
      naming(path, async () => {
        const file = await real.open(path, ...more);
        if (!(await isThere(path))) return file;
        file.chmod = () => fail("EPERM");
        file.utimes = () => fail("ENOTSUP");
        let bytes = 0;
        const writev = file.writev.bind(file);
        file.writev = async (chunks) => {
          bytes += chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
          return bytes < 100_000 ? await writev(chunks) : await fail("EFBIG");
        };
        return file;
      }),
  };
});

const { access, link, mkdir, readdir, readFile, symlink, writeFile } =
  await vi.importActual<typeof fs>("node:fs/promises");
const at = useTemporaryFolder();
const LONG = "l".repeat(220);

async function guestWithTree(type: string): Promise<LocalGuest> {
  await mkdir(at("vfat"));
  await mkdir(at("from", "c:d", "sub"), { recursive: true });
  await mkdir(at("from", "kept"));
  await writeFile(at("from", "c:d", "sub", "file"), "x");
  await writeFile(at("from", "a:b"), "x");
  await writeFile(at("from", "a?"), "x");
  await writeFile(at("from", LONG), "x");
  await writeFile(at("from", "big"), Buffer.alloc(300_000, "x"));
  await writeFile(at("from", "kept", "file"), "kept");
  await link(at("from", "kept", "file"), at("from", "hard"));
  await symlink("kept", at("from", "link"));
  const guest = new LocalGuest(at("bin"));
  await guest.mount({ "/": type });
  return guest;
}

function copy(guest: LocalGuest, from: string, to = "vfat") {
  return copyOut(nodeFiles, guest, `${at("from")}/${from}`, at(to), () => undefined);
}

it.each([
  ["a tree", "ext4"],
  ["a tree of generated files", "proc"],
])("names of %s what the file system does not have, and brings the rest", async (_what, type) => {
  const guest = await guestWithTree(type);
  const { entries, leftOut } = await copy(guest, ".");
  const colons = 'the file system there has no names like "c:d"';
  expect(Object.fromEntries(leftOut.map(({ path, why }) => [path, why]))).toEqual({
    "a:b": 'the file system there has no names like "a:b"',
    "a?": 'the file system there has no names like "a?"',
    "c:d": colons,
    "c:d/sub": colons,
    "c:d/sub/file": colons,
    [LONG]: "the name is too long for the file system there",
    big: "it is too large for the file system there",
    link: "the file system there has no symbolic links",
  });
  expect((await readdir(at("vfat"), { recursive: true })).sort()).toEqual([
    "hard",
    "kept",
    "kept/file",
  ]);
  expect(entries).toBe(4);
  expect(await readFile(at("vfat", "hard"), "utf8")).toBe("kept");
  await expect(access(at("vfat", "big"))).rejects.toThrow("ENOENT");
});

it.each([
  ["link", "link", "the file system there has no symbolic links"],
  ["big", "big", "it is too large for the file system there"],
  ["a:b", "a:b", 'the file system there has no names like "a:b"'],
  ["a?", "a?", 'the file system there has no names like "a?"'],
  ["c:d", "c:d", 'the file system there has no names like "c:d"'],
])("says of %s alone why it cannot be written, and where", async (from, to, why) => {
  const guest = await guestWithTree("ext4");
  const error: unknown = await copy(guest, from).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(KdockError);
  expect(error).toMatchObject({
    code: "environment",
    message: `cannot write ${at("vfat", to)}: ${why}`,
  });
  expect(await readdir(at("vfat"))).toEqual([]);
});
