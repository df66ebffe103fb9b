import { TARGETS } from "../../core/plan/choices.js";
import type { Project } from "../../build/project.js";
import { build } from "../../build/steps/build.js";
import { checkNetwork } from "./guest-subnet.js";
import { checkMachines } from "./machine.js";

/**
 * Builds what these VMs are owed, and resolves with the project under the lock that it was built with. Whatever can be
 * said against them is said before: rejects as `checkMachines` and `checkNetwork` do.
 */
export async function buildForVms(project: Project, names: readonly string[]): Promise<Project> {
  await checkMachines(project, names);
  await checkNetwork(project.ctx, project.plan, project.config, names);
  const options = { targets: TARGETS, noCache: false, frozen: false };
  return (await build(project, options)).project;
}
