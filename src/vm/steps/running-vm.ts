import type { Container } from "../../engine/engine.js";
import { DEFAULT_VM, labels } from "../../core/plan/names.js";
import { KdockError } from "../../core/errors.js";
import type { Project } from "../../build/project.js";
import { nearest } from "../../config/spelling.js";
import { unknownVm } from "../plan/unknown-vm.js";
import { buildForVms } from "./build-for-vms.js";
import { runDetached } from "./run-detached.js";
import { chooseVm, factsOf, namesOf } from "./choose-vm.js";
import { findVm, type FoundVm, stopVm } from "./vms.js";

export interface RunningVm {
  /** The project under the lock that it was built with. */
  readonly project: Project;
  readonly name: string;
  readonly container: Container;
  /** Whether it was started for this purpose, so that it may be stopped afterwards. */
  readonly isOurs: boolean;
  /** Ends it. */
  stop(): Promise<void>;
}

/**
 * The VM of that name (without one, the project's) if it runs, else one that is built, if need be, and booted. Rejects with a
 * `usage` error for a new name that is nearly that of another VM.
 */
export async function runningVm(
  project: Project,
  options: {
    readonly vm: string | undefined;
    readonly paused: boolean;
    readonly bootTimeoutSeconds: number;
  },
): Promise<RunningVm> {
  const there = await findRunning(project, options.vm);
  if (there !== undefined) return running(project, there, false);
  const name = options.vm ?? DEFAULT_VM;
  await requireNoSlip(project, name);
  const built = await buildForVms(project, [name]);
  const { ctx, config, plan } = built;
  const mode = { paused: options.paused, command: false };
  await runDetached(ctx, plan, { name, config, mode }, options);
  return running(built, await findVm(ctx, plan, name), true);
}

/** For what begins with the first instruction. Rejects with a `usage` error when such a VM runs. */
export async function requireNone(project: Project, vm: string | undefined): Promise<void> {
  if ((await findRunning(project, vm)) === undefined) return;
  throw new KdockError("usage", "--boot is for a VM that has yet to boot, and one is running", {
    hint: "End it with `kdock stop`, or leave --boot out to stop in what it does from now on.",
  });
}

/** What is written like a VM's name may be a slip of the pen, and starts no VM. */
async function requireNoSlip(project: Project, name: string): Promise<void> {
  const names = await vmNames(project);
  if (name === DEFAULT_VM || names.includes(name) || nearest(name, names) === undefined) return;
  throw unknownVm(name, names, `\`kdock run -d --name ${name}\` starts a new one.`);
}

/** Of VMs that there are, and of those of kdock.yaml. */
export async function vmNames({ ctx, plan, config }: Project): Promise<string[]> {
  const engine = await ctx.engine();
  const there = namesOf(await engine.listContainers(labels("vm", plan.names.id)));
  return [...there, ...Object.keys(config.vms)];
}

export async function findRunning(
  { ctx, plan }: Project,
  name: string | undefined,
): Promise<FoundVm | undefined> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const wanted = vms.filter((vm) => name === undefined || factsOf(vm).slot.name === name);
  const info = chooseVm(wanted, undefined);
  return info?.running === true ? { container: engine.container(info.id), info } : undefined;
}

function running(project: Project, vm: FoundVm, isOurs: boolean): RunningVm {
  const stop = () => stopVm(project.ctx, project.plan, vm);
  const { name } = factsOf(vm.info).slot;
  return { project, name, container: vm.container, isOurs, stop };
}
