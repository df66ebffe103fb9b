import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { packTar } from "../../../src/archive/tar.js";
import { nodeFiles } from "../../../src/host/node-files.js";
import type { Context } from "../../../src/steps/context.js";
import { takeOver } from "../../../src/steps/take-over.js";
import { useTemporaryFolder } from "../host/temporary-folder.js";

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

it("takes all that comes at the end", async () => {
  expect(await taken({ vmlinux: "code" })).toEqual(["vmlinux code 4"]);
});

it("does not take a part for the whole", async () => {
  await expect(takeOver(ctx, handed({ ".early/vmlinux": "code" }), at())).rejects.toThrow(
    "the builder handed over only a part",
  );
});
