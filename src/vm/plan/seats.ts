import { MAX_VMS } from "./network.js";
import { DEFAULT_VM } from "../../core/plan/names.js";

/** One VM's place among those of its project: everything that must differ between two is made from it. */
export interface VmSeat {
  readonly name: string;
  /** From 0. */
  readonly index: number;
}

export const FIRST_SEAT: VmSeat = { name: DEFAULT_VM, index: 0 };

/** The guest's host name, and what other guests call it. */
export function guestName({ name }: VmSeat): string {
  return name === DEFAULT_VM ? "guest" : name;
}

/**
 * A seat for a VM that starts. Those in `named` sit in its order, so that they have the same addresses whenever they
 * start; one that is not among them, or whose seat is taken, has the first that is free behind theirs.
 */
export function takeSeat(name: string, named: readonly string[], taken: readonly VmSeat[]): VmSeat {
  const busy = new Set(taken.filter((seat) => seat.name !== name).map(({ index }) => index));
  const own = named.indexOf(name);
  if (own >= 0 && !busy.has(own)) return { name, index: own };
  for (let index = named.length; index < MAX_VMS; index += 1) {
    if (!busy.has(index)) return { name, index };
  }
  // No room: `guestNetwork` says so.
  return { name, index: MAX_VMS };
}
