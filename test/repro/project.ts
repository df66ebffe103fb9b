import { cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kdock, removeVolumes, type Outcome, ROOT } from "../support/kdock.js";

/** A project in a temporary folder; `remove` also removes its volumes. */
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
      await removeVolumes(folder);
      await rm(folder, { recursive: true });
    },
  };
}
