import { DEFAULT_VM, labels } from "../../core/plan/names.js";
import type { Project } from "../../build/project.js";
import { buildForVms } from "./build-for-vms.js";
import { bootDetached, type DetachedVm } from "./run-detached.js";
import { unknownVm } from "../plan/unknown-vm.js";
import { startVms } from "./start-vms.js";
import { factsOf } from "./choose-vm.js";

export interface UpResult {
  readonly started: readonly DetachedVm[];
  /** Names of those that ran already. */
  readonly there: readonly string[];
}

/**
 * Builds what is out of date and boots the VMs that are named (without names, those of kdock.yaml; without those, the one that
 * every project has) in the background, side by side; resolves when all are ready. VMs that run already stay as they
 * are. When one does not get there, the others go on, and the promise rejects with what was wrong with the first.
 */
export async function up(
  project: Project,
  request: { readonly names: readonly string[]; readonly bootTimeoutSeconds: number },
): Promise<UpResult> {
  const wanted = wantedNames(Object.keys(project.config.vms), request.names);
  const built = await buildForVms(project, wanted);
  const { ctx, config, plan } = built;
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const running = new Set(vms.filter((vm) => vm.running).map((vm) => factsOf(vm).slot.name));
  const mode = { paused: false, command: false };
  const options = { paused: false, bootTimeoutSeconds: request.bootTimeoutSeconds };
  const names = wanted.filter((name) => !running.has(name));
  if (names.length === 0) return { started: [], there: wanted };
  const { vms: starting, met } = startVms(ctx, plan, { names, config, mode });
  const ends = await Promise.allSettled(
    starting.map(async (vm) => bootDetached(ctx, plan, await vm, options)),
  );
  const [meeting] = await Promise.allSettled([met]);
  const started = ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
  if (meeting.status === "rejected") throw meeting.reason;
  return { started, there: wanted.filter((name) => running.has(name)) };
}

function wantedNames(known: readonly string[], asked: readonly string[]): readonly string[] {
  const all = known.length === 0 ? [DEFAULT_VM] : known;
  const stranger = asked.find((name) => !all.includes(name));
  if (stranger !== undefined) {
    const start = `\`kdock run -d --name ${stranger}\` starts one that is not in kdock.yaml.`;
    throw unknownVm(stranger, all, start);
  }
  return asked.length === 0 ? all : [...new Set(asked)];
}
