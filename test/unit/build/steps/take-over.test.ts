import { mkdir, readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { packTar, type TarEntry } from "../../../../src/archive/tar.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { takeOver } from "../../../../src/build/steps/take-over.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const at = useTemporaryFolder();
const ctx = { host: { files: nodeFiles } } as unknown as Context;

function handed(files: Readonly<Record<string, string>>) {
  return packTar(
    Object.entries(files).map(([path, text]) => ({
      path: `out/${path}`,
      kind: "file",
      mode: 0o644,
      content: Buffer.from(text),
    })),
  );
}

async function taken(files: Readonly<Record<string, string>>): Promise<string[]> {
  const made = await takeOver(ctx, handed(files), at());
  expect((await readdir(at(), { recursive: true })).sort()).toEqual(made.map(({ path }) => path));
  return Promise.all(
    made.map(async ({ path, size }) => `${path} ${await readFile(at(path), "utf8")} ${size}`),
  );
}

it("puts what came early to the rest", async () => {
  expect(await taken({ ".early/vmlinux": "code", bzImage: "packed", config: "y" })).toEqual([
    "bzImage packed 6",
    "config y 1",
    "vmlinux code 4",
  ]);
});

it("takes what was made anew instead of what came early", async () => {
  expect(await taken({ ".early/vmlinux": "code", vmlinux: "newer" })).toEqual(["vmlinux newer 5"]);
});

it.each([
  ["another early file", [".early/config"]],
  ["a folder in vmlinux's place", ["vmlinux/config"]],
  ["links that lead outside once they are moved", [".early/a -> ..", ".early/b/l -> ../.."]],
])("refuses %s", async (_what, more) => {
  const entries = [".early/vmlinux", "config", ...more].map((text): TarEntry => {
    const [path = "", target] = text.split(" -> ");
    if (target !== undefined) return { path: `out/${path}`, kind: "symlink", target };
    return { path: `out/${path}`, kind: "file", mode: 0o644, content: Buffer.from("x") };
  });
  await mkdir(at("out"));
  await expect(takeOver(ctx, packTar(entries), at("out"))).rejects.toThrow(
    /the builder handed over "(?:\.early|vmlinux\/)/,
  );
});

it("takes all that comes at the end", async () => {
  expect(await taken({ vmlinux: "code" })).toEqual(["vmlinux code 4"]);
});

it.each([[".early/vmlinux"], ["config"]])("does not take %s alone for the whole", async (path) => {
  await expect(takeOver(ctx, handed({ [path]: "code" }), at())).rejects.toThrow(
    "the builder handed over only a part",
  );
});
