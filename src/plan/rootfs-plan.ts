import { assetsDigest, type Assets, selectAssets } from "./assets.js";
import { type KeyInputs, stageKey } from "./keys.js";
import { entryDigests, type OverlayEntry, type UserFiles } from "./user-files.js";

/** One entry of the guest's root: where its content comes from is told apart by `from`. */
export type RootfsEntry =
  | { readonly path: string; readonly kind: "directory" }
  | { readonly path: string; readonly kind: "symlink"; readonly target: string }
  | {
      readonly path: string;
      readonly kind: "file";
      readonly executable: boolean;
      readonly content: Uint8Array;
    };

export interface RootfsPlan {
  readonly key: string;
  readonly inputs: KeyInputs;
  /** The part of the inputs that is the user's. */
  readonly asked: Readonly<Record<string, string>>;
}

/** Mount points and homes that exist in every guest, empty; images/rootfs/pack.sh has the same, and a test compares. */
const FOLDERS = ["dev", "mnt", "proc", "root", "run", "sys", "tmp"];

const TREE = "images/rootfs/tree";

export function rootfsPlan(busyboxKey: string, assets: Assets, user: UserFiles): RootfsPlan {
  const asked = entryDigests("overlay", user.overlay);
  const inputs: KeyInputs = {
    busybox: busyboxKey,
    folders: FOLDERS,
    tree: assetsDigest(selectAssets(assets, [TREE])),
    ...asked,
  };
  return { key: stageKey(inputs), inputs, asked };
}

/**
 * The whole root, later layers over earlier ones: empty folders, busybox's install tree, images/rootfs/tree, the
 * user's overlay. Sorting and normalising owner, time and mode is the packer's work.
 */
export function rootfsEntries(
  busybox: readonly RootfsEntry[],
  agent: Uint8Array,
  assets: Assets,
  overlay: readonly OverlayEntry[],
): RootfsEntry[] {
  const root = new Map<string, RootfsEntry>();
  const add = (entry: RootfsEntry) => {
    addParents(root, entry.path);
    // A folder over a folder changes nothing; anything else replaces what was there, and what was below it.
    if (entry.kind === "directory" && root.get(entry.path)?.kind === "directory") return;
    removeTree(root, entry.path);
    root.set(entry.path, entry);
  };
  for (const path of FOLDERS) add({ path, kind: "directory" });
  for (const entry of busybox) add(entry);
  for (const [name, { content, executable }] of selectAssets(assets, [TREE])) {
    add({ path: name.slice(TREE.length + 1), kind: "file", executable, content });
  }
  add({ path: "usr/sbin/kdock-agent", kind: "file", executable: true, content: agent });
  for (const entry of overlay) add(entry);
  return [...root.values()];
}

function addParents(root: Map<string, RootfsEntry>, path: string): void {
  const parts = path.split("/").slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const parent = parts.slice(0, depth).join("/");
    if (root.get(parent)?.kind !== "directory")
      root.set(parent, { path: parent, kind: "directory" });
  }
}

function removeTree(root: Map<string, RootfsEntry>, path: string): void {
  root.delete(path);
  for (const name of [...root.keys()]) if (name.startsWith(`${path}/`)) root.delete(name);
}
