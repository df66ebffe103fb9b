import type { ArchitectureRow } from "../../core/plan/architectures.js";

/** Names that a host's gdb for an architecture may have, the usual one first. */
export function hostDebuggers({ triplet }: Pick<ArchitectureRow, "triplet">): readonly string[] {
  // Debian's gdb supports the host's architecture only, its gdb-multiarch and Fedora's gdb all, Arch's TRIPLET-gdb one.
  return ["gdb", "gdb-multiarch", `${triplet}-gdb`];
}
