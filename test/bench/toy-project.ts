import { copyFile, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { CLI, removeVolumes } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { makeToyTree, TOY_CONFIG } from "../support/toy-tree.js";

export interface ToyProject extends AsyncDisposable {
  readonly folder: string;
  kdock(...args: readonly string[]): Promise<unknown>;
}

/** A project whose kernel is a toy tree, in linux/, under the lab's lock. Disposing of it removes all that it has made. */
export async function toyProject(): Promise<ToyProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-bench-toy-")));
  await makeToyTree(join(folder, "linux"));
  await writeFile(join(folder, TOY_PRESET.slice("file:".length)), TOY_CONFIG);
  await writeFile(
    join(folder, "kdock.yaml"),
    `kernel: { source: "path:./linux", preset: "${TOY_PRESET}" }\n`,
  );
  await copyFile(join(LAB, "kdock.lock"), join(folder, "kdock.lock"));
  const kdock = (...args: readonly string[]) => execa("node", [CLI, ...args], { cwd: folder });
  return {
    folder,
    kdock,
    async [Symbol.asyncDispose]() {
      await kdock("clean");
      await removeVolumes(folder);
      await rm(folder, { recursive: true });
    },
  };
}

export const TOY_PRESET = "file:toy.config";
