import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Major versions of Node.js that kdock is to run on, besides the one that runs the tests. */
export const OTHER_NODES = [20, 22, 24].filter(
  (major) => major !== Number(process.versions.node.split(".")[0]),
);

export interface NodeProgram {
  /** The path of its binary. */
  readonly path: string;
  remove(): Promise<void>;
}

/** The newest release of a major version, as npm's registry carries it for this machine: a binary, and no install script. */
export async function fetchNode(major: number): Promise<NodeProgram> {
  const folder = await mkdtemp(join(tmpdir(), `kdock-node-${major}-`));
  const name = `node-linux-${process.arch}`;
  const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  await execa("npm", ["install", ...options, `${name}@${major}`]);
  return {
    path: join(folder, "node_modules", name, "bin/node"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
