import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { builderImage } from "../support/builder-image.js";
import { makeToyTree } from "../support/toy-tree.js";

it("a builder that only fetches a source needs no objects, and tells its processor time", async () => {
  const tree = await mkdtemp(join(tmpdir(), "kdock-builder-"));
  try {
    await makeToyTree(tree);
    await writeFile(join(tree, ".kdock-source"), "spec debian:6.12\norigin toy\n");
    await chmod(tree, 0o755);
    const argv = ["run", "--rm", "--network", "none", "-v", `${tree}:/src:ro`];
    const { exitCode, stdout, stderr } = await execa(
      "docker",
      [...argv, await builderImage(), "source"],
      { reject: false },
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^==> source: toy .*\n@kdock cpu \d+$/m);
    expect(exitCode).toBe(0);
  } finally {
    await rm(tree, { recursive: true });
  }
});
