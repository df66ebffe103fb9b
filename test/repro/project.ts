import { cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectNames } from "../../src/plan/names.js";
import { docker, kdock, type Outcome, ROOT } from "../support/kdock.js";

/** A project of its own in a temporary folder; `remove` takes its volumes with it. */
export interface ReproProject {
  readonly folder: string;
  kdock(...args: string[]): Promise<Outcome>;
  remove(): Promise<void>;
}

export async function reproProject(): Promise<ReproProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-repro-")));
  await cp(`${ROOT}test/repro/everything.config`, join(folder, "everything.config"));
  return {
    folder,
    kdock: (...args) => kdock(args, { cwd: folder }),
    async remove() {
      const label = `label=io.kdock.project=${projectNames(folder).id}`;
      const volumes = await docker("volume", "ls", "-q", "--filter", label);
      for (const name of volumes.split("\n").filter(Boolean)) await docker("volume", "rm", name);
      await rm(folder, { recursive: true });
    },
  };
}
