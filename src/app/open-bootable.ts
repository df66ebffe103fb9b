import { buildFlagIn, type KeyFlags } from "../config/key-flags.js";
import { KdockError } from "../core/errors.js";
import { isKernelKey } from "../build/plan/built-kernels.js";
import type { Project } from "../build/project.js";
import { open } from "./open-project.js";
import type { Session } from "../core/session.js";

/** See `Kdock`. */
export async function openBootable(session: Session, flags: KeyFlags): Promise<Project> {
  const { kernel, ...others } = flags;
  if (typeof kernel !== "string" || !isKernelKey(kernel)) {
    return open(session, { flags, readLock: true, willBuild: true });
  }
  refuseBuildFlags(kernel, others);
  const { withBuiltKernel } = await import("../vm/steps/kernels.js");
  return withBuiltKernel(await open(session, { flags: others, readLock: true }), kernel);
}

function refuseBuildFlags(key: string, flags: KeyFlags): void {
  const given = buildFlagIn(flags);
  if (given === undefined) return;
  throw new KdockError(
    "usage",
    `--kernel ${key} is a kernel that is built: ${given} comes too late`,
    { hint: "Name a source (--kernel debian:6.12) to have another one built." },
  );
}
