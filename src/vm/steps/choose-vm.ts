import { KdockError } from "../../core/errors.js";
import { vmWords } from "../../core/vm-words.js";
import type { Labels } from "../../core/plan/container-spec.js";
import { DEFAULT_VM } from "../../core/plan/names.js";
import { unknownVm } from "../plan/unknown-vm.js";
import { type VmFacts, vmFacts } from "../plan/vm-facts.js";

/** A VM's container, as far as choosing goes. */
export interface VmContainer {
  readonly labels: Labels;
  readonly running: boolean;
  /** The engine's own words: "Up 3 minutes". */
  readonly status: string;
}

/** What a VM's container says about itself. */
export function factsOf({ labels }: Pick<VmContainer, "labels">): VmFacts {
  return vmFacts(labels);
}

/**
 * Of a project's VMs the one that is named; without a name the one that runs, else the one that has ended. Throws a
 * `usage` error for a name that none has, and when it is not clear which one is meant.
 */
export function chooseVm<T extends VmContainer>(
  vms: readonly T[],
  name: string | undefined,
): T | undefined {
  if (name !== undefined) return namedVm(vms, name);
  const running = vms.filter((vm) => vm.running);
  const [meant, ...others] = running.length > 0 ? running : vms;
  if (meant === undefined || others.length === 0) return meant;
  const named = [meant, ...others].map((vm) => `${factsOf(vm).slot.name} (${vm.status})`);
  throw new KdockError("usage", `this project has several VMs: ${named.join(", ")}`, {
    hint: "Name one of them with --vm NAME.",
  });
}

function namedVm<T extends VmContainer>(vms: readonly T[], name: string): T {
  const meant = vms.find((vm) => factsOf(vm).slot.name === name);
  if (meant !== undefined) return meant;
  throw unknownVm(name, namesOf(vms));
}

/** What a project's VMs are called. */
export function namesOf(vms: readonly Pick<VmContainer, "labels">[]): string[] {
  return vms.map((vm) => factsOf(vm).slot.name);
}

/** The same, for what needs a VM that runs. */
export function chooseRunningVm<T extends VmContainer>(
  vms: readonly T[],
  name: string | undefined,
): T {
  const vm = chooseVm(vms, name);
  if (vm === undefined) {
    throw new KdockError("usage", "this project has no VM", {
      hint: "Start one with `kdock run -d`.",
    });
  }
  requireRunning(vm);
  return vm;
}

/** Throws a `vm` error for one that has ended. */
export function requireRunning(vm: VmContainer): void {
  if (!vm.running) throw notRunning(vm, vm.status);
}

/** `how` it has ended. */
export function notRunning(vm: Pick<VmContainer, "labels">, how: string): KdockError {
  const { name } = factsOf(vm).slot;
  const [which, logs, run] =
    name === DEFAULT_VM ? ["the VM", "", ""] : [`the VM ${name}`, vmWords(name), ` --name ${name}`];
  return new KdockError("vm", `${which} is not running (${how})`, {
    hint: `\`kdock logs${logs}\` shows its last words; \`kdock run${run}\` starts it anew.`,
  });
}
