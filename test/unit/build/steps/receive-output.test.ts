import { mkdir, readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { packTar, type TarEntry } from "../../../../src/archive/tar.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { receiveOutput } from "../../../../src/build/steps/receive-output.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const at = useTemporaryFolder();
const ctx = { host: { files: nodeFiles } } as unknown as Context;

function archiveOf(files: Readonly<Record<string, string>>) {
  return packTar(
    Object.entries(files).map(([path, text]) => ({
      path: `out/${path}`,
      kind: "file",
      mode: 0o644,
      content: Buffer.from(text),
    })),
  );
}

async function received(files: Readonly<Record<string, string>>): Promise<string[]> {
  const made = await receiveOutput(ctx, archiveOf(files), at());
  expect((await readdir(at(), { recursive: true })).sort()).toEqual(made.map(({ path }) => path));
  return Promise.all(
    made.map(async ({ path, size }) => `${path} ${await readFile(at(path), "utf8")} ${size}`),
  );
}

describe("receiveOutput", () => {
  it("adds early files to the rest", async () => {
    expect(await received({ ".early/vmlinux": "code", bzImage: "packed", config: "y" })).toEqual([
      "bzImage packed 6",
      "config y 1",
      "vmlinux code 4",
    ]);
  });

  it("prefers a later file to an early one", async () => {
    expect(await received({ ".early/vmlinux": "code", vmlinux: "newer" })).toEqual([
      "vmlinux newer 5",
    ]);
  });

  it.each([
    ["another early file", [".early/config"]],
    ["a folder in vmlinux's place", ["vmlinux/config"]],
    ["links that would lead outside after a move", [".early/a -> ..", ".early/b/l -> ../.."]],
  ])("rejects %s", async (_what, more) => {
    const entries = [".early/vmlinux", "config", ...more].map((text): TarEntry => {
      const [path = "", target] = text.split(" -> ");
      if (target !== undefined) return { path: `out/${path}`, kind: "symlink", target };
      return { path: `out/${path}`, kind: "file", mode: 0o644, content: Buffer.from("x") };
    });
    await mkdir(at("out"));
    await expect(receiveOutput(ctx, packTar(entries), at("out"))).rejects.toThrow(
      /the builder sent an unexpected file: "(?:\.early|vmlinux\/)/,
    );
  });

  it("accepts output without early files", async () => {
    expect(await received({ vmlinux: "code" })).toEqual(["vmlinux code 4"]);
  });

  it.each([[".early/vmlinux"], ["config"]])("rejects %s alone", async (path) => {
    await expect(receiveOutput(ctx, archiveOf({ [path]: "code" }), at())).rejects.toThrow(
      "the builder sent incomplete output",
    );
  });
});
