import type { StreamedContent } from "../../archive/content.js";
import { plainPath } from "../../core/byte-path.js";
import { sha256 } from "../../core/plan/keys.js";
import type { SpecialNode } from "./root-tree.js";

/** An entry of `rootfs.overlay`; its path is relative, with forward slashes, see src/core/byte-path.ts. */
export type OverlayEntry = { readonly path: string } & (
  | OverlayFile
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "symlink"; readonly target: string }
  | SpecialNode
);

export interface OverlayFile {
  readonly kind: "file";
  /** Permission bits, those of `guestMode`. */
  readonly mode: number;
  readonly content: StreamedContent & { readonly sha256: string };
  /** The same for all hard links of one file; undefined if it has only one. */
  readonly link: string | undefined;
  /** The first bytes, as many as the kernel reads to find the interpreter. */
  readonly head: Uint8Array;
  /** Whether it contains the name of kdock's agent. */
  readonly namesAgent: boolean;
}

/**
 * The mode of an entry in the guest: the same, except that 0664 and 0775 become 0644 and 0755. A checkout with umask 002 has the
 * former instead of the latter, and a project's root must not depend on the umask.
 */
export function guestMode(mode: number): number {
  if (mode === 0o664) return 0o644;
  return mode === 0o775 ? 0o755 : mode;
}

/** One input for each entry, so that a change is reported by name: "overlay etc/motd". */
export function overlayDigests(entries: readonly OverlayEntry[]): Readonly<Record<string, string>> {
  const first = new Map<string, string>();
  for (const entry of entries) {
    const link = entry.kind === "file" ? entry.link : undefined;
    if (link === undefined) continue;
    const known = first.get(link);
    if (known === undefined || entry.path < known) first.set(link, entry.path);
  }
  return Object.fromEntries(
    entries.map((entry) => {
      const original = entry.kind === "file" ? first.get(entry.link ?? "") : undefined;
      const digest = entryDigest(entry, original === entry.path ? undefined : original);
      return [`overlay ${plainPath(entry.path)}`, digest];
    }),
  );
}

const NO_CONTENT = sha256("");

/** Entries with a default mode keep the digest from before modes were supported. */
function entryDigest(entry: OverlayEntry, original: string | undefined): string {
  const mode = entry.kind === "symlink" ? 0o755 : entry.mode;
  const executable = (mode & 0o111) !== 0;
  const usual = entry.kind === "file" && !executable ? 0o644 : 0o755;
  const special = {
    ...(mode === usual ? {} : { mode: mode.toString(8) }),
    ...(original === undefined ? {} : { link: original }),
    ...("major" in entry ? { major: entry.major, minor: entry.minor } : {}),
  };
  return sha256(
    JSON.stringify([
      ...[entry.kind, executable, entry.kind === "symlink" ? entry.target : ""],
      entry.kind === "file" ? entry.content.sha256 : NO_CONTENT,
      ...(Object.keys(special).length === 0 ? [] : [special]),
    ]),
  );
}
