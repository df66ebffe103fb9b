import type { Config } from "../config/config.js";
import { assetsDigest, type Assets, selectAssets } from "./assets.js";
import { INIT, initScriptName } from "./init-scripts.js";
import { type KeyInputs, sha256, stageKey } from "./keys.js";
import { entryDigests, type UserFiles } from "./user-files.js";

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
const FOLDERS = ["dev", "lib", "mnt", "proc", "root", "run", "sys", "tmp"];

const TREE = "images/rootfs/tree";

/** What of the user's goes into the root. */
export type RootfsFiles = Pick<UserFiles, "overlay" | "initScripts"> & {
  /** `rootfs.strict` */
  readonly strict: boolean;
};

export function givenFiles({ rootfs }: Config, user: UserFiles): RootfsFiles {
  return { overlay: user.overlay, initScripts: user.initScripts, strict: rootfs.strict };
}

export function rootfsPlan(busyboxKey: string, assets: Assets, user: RootfsFiles): RootfsPlan {
  const asked = { ...entryDigests("overlay", user.overlay), ...initInputs(user) };
  const inputs: KeyInputs = {
    busybox: busyboxKey,
    folders: FOLDERS,
    tree: assetsDigest(selectAssets(assets, [TREE])),
    ...asked,
  };
  return { key: stageKey(inputs), inputs, asked };
}

function initInputs({ initScripts, strict }: RootfsFiles): Readonly<Record<string, string>> {
  const scripts = initScripts.map(
    ({ path, content }) => [`init ${path}`, sha256(content)] as const,
  );
  return {
    // The order counts, and a script may be there twice.
    ...(scripts.length === 0 ? {} : { init: initScripts.map(({ path }) => path).join(" ") }),
    ...Object.fromEntries(scripts),
    ...(strict ? { strict: "true" } : {}),
  };
}

/**
 * The whole root, later layers over earlier ones: empty folders, busybox's install tree, images/rootfs/tree, the
 * user's overlay, the init scripts of kdock.yaml. Sorting and normalising owner, time and mode is the packer's work.
 */
export function rootfsEntries(
  busybox: readonly RootfsEntry[],
  agent: Uint8Array,
  assets: Assets,
  { overlay, initScripts, strict }: RootfsFiles,
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
  initScripts.forEach(({ path, content }, index) => {
    const name = initScriptName(path, index);
    add({ path: `${INIT.scripts}/${name}`, kind: "file", executable: true, content });
  });
  if (strict) {
    add({ path: INIT.strict, kind: "file", executable: false, content: new Uint8Array() });
  }
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
