import { DEFAULT_VM, INSIDE, labels } from "../../core/plan/names.js";
import type { CanExec } from "../../engine/engine.js";
import { chooseRunningVm, factsOf, namesOf } from "../../vm/steps/choose-vm.js";
import { type Connection, connectInside } from "../../vm/steps/connect-inside.js";
import type { GuestContext } from "./guest-context.js";

/** A VM of the project that runs. */
export interface GuestVm {
  readonly id: string;
  readonly name: string;
  readonly container: CanExec;
  /** See `VmFacts`. */
  readonly noAgent: string | undefined;
}

/** A conversation with a guest, as far as it goes before anybody speaks. */
export interface GuestCall {
  readonly vm: GuestVm;
  /** On its way. Nobody need look at its failure before it is wanted. */
  readonly connection: Promise<Connection>;
  /** Aborted, it ends the connection, whenever that is. */
  readonly giveUp: AbortController;
}

/**
 * `wanted` is a VM's name; undefined means the one that runs. The engine takes a twentieth of a second to connect, in
 * which all else that a command needs can be loaded: hence this is called first, and imports little.
 */
export async function dialGuest(ctx: GuestContext, wanted: string | undefined): Promise<GuestCall> {
  const engine = await ctx.quickEngine();
  const vms = await engine.findContainers(labels("vm", ctx.names.id));
  const found = chooseRunningVm(vms, isAny(wanted, namesOf(vms)) ? undefined : wanted);
  const container = engine.container(found.id);
  const giveUp = new AbortController();
  const connection = connectInside(container, INSIDE.agentSocket, giveUp.signal);
  connection.catch(() => undefined);
  const { slot, noAgent } = factsOf(found);
  return { vm: { id: found.id, name: slot.name, container, noAgent }, connection, giveUp };
}

/** "vm", in any case, means whichever VM runs where none is called that. */
function isAny(wanted: string | undefined, names: readonly string[]): boolean {
  return wanted?.toLowerCase() === DEFAULT_VM && !names.includes(wanted);
}
