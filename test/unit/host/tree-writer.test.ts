import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it } from "vitest";
import type { TreeWriter } from "../../../src/host/host.js";
import { createNodeHost } from "../../../src/host/node-host.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const at = useTemporaryFolder();
const { files } = createNodeHost({ env: {} });

async function put(tree: TreeWriter, path: string, text: string, mode = 0o644): Promise<void> {
  await pipeline(Readable.from([text]), await tree.file(path, mode));
}

it("writeTree writes files, folders and links with parent folders, independent of the umask", async () => {
  await using tree = await files.writeTree(at());
  await put(tree, "a/b/run", "x", 0o755);
  await put(tree, "a/secret", "y", 0o400);
  await tree.folder("a/b");
  await tree.folder("empty");
  await tree.symlink("l/link", "../a");
  await tree.hardLink("z", "a/b/run");
  expect((await files.tree(at())).map(({ path }) => path)).toEqual([
    "a",
    "a/b",
    "a/b/run",
    "a/secret",
    "empty",
    "l",
    "l/link",
    "z",
  ]);
  expect((await stat(at("a", "b", "run"))).mode & 0o7777).toBe(0o755);
  expect((await stat(at("a", "secret"))).mode & 0o7777).toBe(0o400);
  expect(await readlink(at("l", "link"))).toBe("../a");
  expect((await stat(at("z"))).ino).toBe((await stat(at("a", "b", "run"))).ino);
  await tree.remove("z");
  expect(await readdir(at())).toEqual(["a", "empty", "l"]);
});

it("writeTree supports trees deeper and wider than the limits of open folders and of a path", async () => {
  await using tree = await files.writeTree(at());
  const deep = Array.from({ length: 60 }, (_, level) => `${"d".repeat(90)}${level}`).join("/");
  await put(tree, `${deep}/f`, "deep");
  for (let wide = 0; wide < 100; wide++) await put(tree, `w${wide}/f`, "wide");
  await put(tree, `${deep}/g`, "deep");
  await files.removeTree(at(deep.split("/")[0] ?? ""));
  expect(await readdir(at())).toHaveLength(100);
});

it("writeTree creates hard links across more folders than are kept open", async () => {
  await using tree = await files.writeTree(at());
  const levels = Array.from({ length: 40 }, (_, level) => `d${level}`);
  const nested = levels.map((_, level) => levels.slice(0, level + 1).join("/"));
  const deepest = nested.at(-1) ?? "";
  for (const folder of nested) await put(tree, `${folder}/f`, "wrong");
  for (let wide = 0; wide < 40; wide++) await put(tree, `w${wide}/f`, "wrong");
  await put(tree, "src/f", "right");
  await tree.hardLink(`${deepest}/g`, "src/f");
  expect(await readFile(at(deepest, "g"), "utf8")).toBe("right");
  expect((await stat(at(deepest, "g"))).ino).toBe((await stat(at("src", "f"))).ino);
});

it.each(["file", "folder", "symlink", "hardLink"] as const)(
  "makes no %s through a link that stands where a folder is to be",
  async (kind) => {
    await mkdir(at("outside"));
    await mkdir(at("tree"));
    await writeFile(at("tree", "original"), "");
    await symlink(at("outside"), at("tree", "d"));
    await using tree = await files.writeTree(at("tree"));
    const making = {
      file: () => put(tree, "d/f", "x"),
      folder: () => tree.folder("d/f"),
      symlink: () => tree.symlink("d/f", "x"),
      hardLink: () => tree.hardLink("d/f", "original"),
    }[kind]();
    await expect(making).rejects.toMatchObject({ code: "environment" });
    expect(await readdir(at("outside"))).toEqual([]);
    // The link's target exists.
    await writeFile(at("tree", "d", "control"), "");
    expect(await readdir(at("outside"))).toEqual(["control"]);
  },
);

it("writeTree writes into its folder, also if a link has replaced that", async () => {
  await mkdir(at("outside"));
  await mkdir(at("tree"));
  await using tree = await files.writeTree(at("tree"));
  await put(tree, "d/before", "x");
  await rename(at("tree", "d"), at("moved"));
  await symlink(at("outside"), at("tree", "d"));
  await put(tree, "d/after", "x");
  await tree.symlink("d/link", "x");
  expect((await readdir(at("moved"))).sort()).toEqual(["after", "before", "link"]);
  expect(await readdir(at("outside"))).toEqual([]);
});

it("writeTree overwrites nothing, and follows no link in place of a file", async () => {
  await symlink(at("outside"), at("l"));
  await writeFile(at("f"), "kept");
  await using tree = await files.writeTree(at());
  await expect(tree.file("l", 0o644)).rejects.toThrow("it exists already");
  await expect(tree.file("f", 0o644)).rejects.toThrow("it exists already");
  expect(await readFile(at("f"), "utf8")).toBe("kept");
  expect((await readdir(at())).sort()).toEqual(["f", "l"]);
});

it("mergeInto sets modes and times of folders after the move, innermost first", async () => {
  await mkdir(at("new"));
  const modified = new Date("2020-02-02T00:00:00Z");
  {
    await using tree = await files.writeTree(at("new"));
    await tree.folder("d/e", 0o500);
    await put(tree, "d/e/f", "x");
  }
  await files.mergeInto(at("new"), at("old"), [
    { path: "d/e", mode: 0o500, modified },
    { path: "d", mode: 0o555, modified },
    { path: "", mode: 0o750, modified },
  ]);
  const modes = await Promise.all(
    ["d/e", "d", ""].map(async (path) => {
      const { mode, mtime } = await lstat(join(at("old"), path));
      return [mode & 0o7777, mtime.getTime()];
    }),
  );
  const time = modified.getTime();
  expect(modes).toEqual([
    [0o500, time],
    [0o555, time],
    [0o750, time],
  ]);
});

it("removeTree removes links, but not their targets", async () => {
  await mkdir(at("outside"));
  await writeFile(at("outside", "kept"), "");
  await mkdir(at("tree", "d"), { recursive: true });
  await symlink(at("outside"), at("tree", "d", "l"));
  await files.removeTree(at("tree"));
  await files.removeTree(at("tree"));
  expect(await readdir(at())).toEqual(["outside"]);
  expect(await readdir(at("outside"))).toEqual(["kept"]);
});
