import { configPath } from "./config-file.js";
import type { KeyFlags } from "../config/key-flags.js";
import type { Project } from "../build/project.js";
import type { Session } from "../core/session.js";

export interface OpenOptions {
  readonly flags?: KeyFlags;
  /** Read kdock.lock. A command that does without it also works beside a broken one. */
  readonly readLock?: boolean;
  /** Default to the architecture that was built last; false for output that is committed. */
  readonly followBuild?: boolean;
  /** Read the history of a kernel source on this machine, and not what is checked out there. */
  readonly history?: boolean;
  /** A build is likely: scan the local tree and connect to the engine in advance. */
  readonly willBuild?: boolean;
  /** See `Opening`; true by default where the lock is read or something is built. */
  readonly usesOutside?: boolean;
}

/** Opens the project of the configuration file. Rejects where its state folder is not the user's own. */
export async function open(
  { world, globals, reporter }: Session,
  {
    flags = {},
    readLock = false,
    followBuild = true,
    history = false,
    willBuild = false,
    usesOutside = readLock || willBuild,
  }: OpenOptions,
): Promise<Project> {
  const { checkProject } = await import("./trust.js");
  await checkProject(world, globals);
  const speculativeScan = willBuild ? await scanEarly({ world, globals }) : undefined;
  try {
    const { openProject } = await import("./project.js");
    return await openProject(world, globals, reporter, flags, {
      ...{ readLock, followBuild, usesOutside, speculativeScan },
      tree: history ? "history" : readLock ? "content" : "names",
      warmEngine: willBuild,
    });
  } finally {
    speculativeScan?.cancel();
  }
}

async function scanEarly({ world, globals }: Pick<Session, "world" | "globals">) {
  const { beginScan } = await import("../tree/begin-scan.js");
  return beginScan(configPath(world, globals), world.signal);
}
