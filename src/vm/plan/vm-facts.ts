import type { NetMode } from "../../config/config.js";
import type { Labels } from "../../core/plan/container-spec.js";
import type { DiskInUse } from "./disks.js";
import { LABEL } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { GuestPort } from "../../core/plan/ports.js";
import { FIRST_SLOT, type VmSlot } from "./slots.js";

/** What a VM's label says about it, for those who come later. */
export interface VmFacts {
  /** "debian:6.12" */
  readonly kernel: string;
  /** Of the kernel's artifacts: which symbols belong to it. */
  readonly kernelKey: string;
  readonly paused: boolean;
  readonly dumpOnPanic: boolean;
  /** Absolute; undefined for a name by the time of the panic. */
  readonly dumpTo: string | undefined;
  readonly slot: VmSlot;
  /** As planned: where the engine's machine has no /dev/net/tun, start.sh may have made "user" out of "bridge". */
  readonly net: NetMode;
  /** The guest's, whether it has a card or not. */
  readonly subnet: string;
  /** The guest's; "" when it has none. */
  readonly address: string;
  /** The guest's, for IPv6; undefined for none. */
  readonly address6: string | undefined;
  /** Files of the host that are disks of the guest. */
  readonly disks: readonly DiskInUse[];
  /** Host folders in the guest, for people. */
  readonly shares: readonly string[];
  /** Published ones; a VM of an earlier kdock has the same numbers in the container, and names none. */
  readonly ports: readonly GuestPort[];
  /** Why kdock's agent is not in the guest, for people; undefined where it is. */
  readonly noAgent?: string | undefined;
}

/** What a VM's label says. */
export function vmFacts(of: Labels): VmFacts {
  const known = JSON.parse(of[LABEL.vm] ?? "{}") as Partial<VmFacts> & { seat?: VmSlot };
  return {
    ...{ kernel: "", kernelKey: "", paused: false, address: "" },
    // Before it was called a slot.
    slot: known.seat ?? FIRST_SLOT,
    ...{
      net: "bridge",
      subnet: "",
      address6: undefined,
      dumpOnPanic: false,
      dumpTo: undefined,
      disks: [],
      shares: [],
      ports: [],
      ...known,
    },
  };
}

/** Where a VM's symbols are: its own kernel's, whatever kdock.yaml asks for by now. */
export function kernelKeyOf(of: Labels, { kernel }: Pick<Plan, "kernel">): string {
  return vmFacts(of).kernelKey || kernel.key;
}
