import { sizeOf } from "../../archive/content.js";
import type { RootfsEntry } from "./root-tree.js";

const PAGE = 4096;

/** The size of a root in a guest's memory, for a manifest: files take whole pages. */
export function rootSize(
  entries: readonly RootfsEntry[],
): Readonly<Record<"entries" | "unpacked", string>> {
  const seen = new Set<string>();
  let bytes = 0;
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    if (entry.link !== undefined && seen.has(entry.link)) continue;
    if (entry.link !== undefined) seen.add(entry.link);
    bytes += Math.ceil(sizeOf(entry.content) / PAGE) * PAGE;
  }
  return { entries: String(entries.length), unpacked: String(bytes) };
}
