import type { ArchitectureRow } from "../../core/plan/architectures.js";

/** What a machine's gdb for guests of an architecture may be called, the usual one first. */
export function hostDebuggers({ triplet }: Pick<ArchitectureRow, "triplet">): readonly string[] {
  // Debian's gdb knows its own architecture, Fedora's knows all; Debian's for all, and Arch's for one, have other names.
  return ["gdb", "gdb-multiarch", `${triplet}-gdb`];
}
