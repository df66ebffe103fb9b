import { MAX_VMS } from "./network.js";
import { DEFAULT_VM } from "../../core/plan/names.js";

/** A VM's index among those of its project. All that must differ between two VMs is derived from it. */
export interface VmSlot {
  readonly name: string;
  /** From 0. */
  readonly index: number;
}

export const FIRST_SLOT: VmSlot = { name: DEFAULT_VM, index: 0 };

/** The guest's host name, and what other guests call it. */
export function guestName({ name }: VmSlot): string {
  return name === DEFAULT_VM ? "guest" : name;
}

/**
 * Assigns a slot to a VM that starts. VMs in `named` have the slot of their position there, so that their addresses stay
 * the same; other VMs, and those whose slot is taken, get the first free slot after these.
 */
export function takeSlot(name: string, named: readonly string[], taken: readonly VmSlot[]): VmSlot {
  const busy = new Set(taken.filter((slot) => slot.name !== name).map(({ index }) => index));
  const own = named.indexOf(name);
  if (own >= 0 && !busy.has(own)) return { name, index: own };
  for (let index = named.length; index < MAX_VMS; index += 1) {
    if (!busy.has(index)) return { name, index };
  }
  // No room: `guestNetwork` says so.
  return { name, index: MAX_VMS };
}
