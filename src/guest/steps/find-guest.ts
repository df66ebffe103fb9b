import { DEFAULT_VM, labels } from "../../core/plan/names.js";
import type { CanExec } from "../../engine/engine.js";
import { chooseRunningVm, factsOf, namesOf } from "../../vm/steps/choose-vm.js";
import type { GuestContext } from "./guest-context.js";

/** A VM of the project that runs. */
export interface GuestVm {
  readonly id: string;
  readonly name: string;
  readonly container: CanExec;
  /** See `VmFacts`. */
  readonly noAgent: string | undefined;
}

/** `wanted` is a VM's name; undefined means the one that runs. */
export async function findGuest(ctx: GuestContext, wanted: string | undefined): Promise<GuestVm> {
  const engine = await ctx.quickEngine();
  const vms = await engine.findContainers(labels("vm", ctx.names.id));
  const found = chooseRunningVm(vms, isAny(wanted, namesOf(vms)) ? undefined : wanted);
  const { slot, noAgent } = factsOf(found);
  return { id: found.id, name: slot.name, container: engine.container(found.id), noAgent };
}

/** "vm", in any case, stands for the VM that runs where none has that name. */
function isAny(wanted: string | undefined, names: readonly string[]): boolean {
  return wanted?.toLowerCase() === DEFAULT_VM && !names.includes(wanted);
}
