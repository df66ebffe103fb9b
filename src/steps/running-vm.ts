import type { Container } from "../engine/engine.js";
import { labels } from "../plan/names.js";
import { vmPlan } from "../plan/vm-plan.js";
import type { Project } from "../project.js";
import { build, TARGETS } from "./build.js";
import { runDetached } from "./run-detached.js";
import { chooseVm, stopVm } from "./vms.js";

export interface RunningVm {
  /** The project under the lock that it was built with. */
  readonly project: Project;
  readonly container: Container;
  /** Whether it was started for this purpose, so that it may be stopped afterwards. */
  readonly isOurs: boolean;
  /** Ends it. */
  stop(): Promise<void>;
}

/** The project's VM if one runs, else one that is built, if need be, and booted. */
export async function runningVm(
  project: Project,
  options: { readonly paused: boolean; readonly bootTimeoutSeconds: number },
): Promise<RunningVm> {
  const there = await findRunning(project);
  if (there !== undefined) return { ...there, isOurs: false };
  const { project: built } = await build(project, {
    targets: TARGETS,
    noCache: false,
    frozen: false,
  });
  const { ctx, config, plan } = built;
  const mode = { paused: options.paused, command: false };
  const { container } = await runDetached(ctx, plan, vmPlan(config, plan, mode), options);
  const engine = await ctx.engine();
  return { ...ended(built, engine.container(container)), isOurs: true };
}

async function findRunning(project: Project): Promise<Omit<RunningVm, "isOurs"> | undefined> {
  const { ctx, plan } = project;
  const engine = await ctx.engine();
  const vm = chooseVm(await engine.listContainers(labels("vm", plan.names.id)));
  return vm?.running === true ? ended(project, engine.container(vm.id)) : undefined;
}

function ended(project: Project, container: Container): Omit<RunningVm, "isOurs"> {
  const stop = async () => {
    await stopVm(project.ctx, project.plan, container);
  };
  return { project, container, stop };
}
