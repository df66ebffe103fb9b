import { bytesOfPath } from "../../core/byte-path.js";
import type { Config } from "../../config/config.js";
import { assetsDigest, type Assets, selectAssets } from "../../core/plan/assets.js";
import { checkInit } from "./guest-init.js";
import { type GuestInit, guestInit } from "./guest-start.js";
import { INIT, initScriptName } from "./init-scripts.js";
import { type KeyInputs, sha256, stageKey } from "../../core/plan/keys.js";
import { AGENT_PATH } from "../../core/plan/names.js";
import { type OverlayEntry, overlayDigests } from "./overlay.js";
import { type RootfsEntry, RootTree } from "./root-tree.js";
import type { UserFiles } from "./user-files.js";

export interface RootfsPlan {
  readonly key: string;
  readonly inputs: KeyInputs;
  /** The part of the inputs that comes from kdock.yaml and the files it names. */
  readonly asked: Readonly<Record<string, string>>;
  readonly init: GuestInit;
}

/** Empty folders of every guest; images/rootfs/pack.pl has the same, and a test compares both. */
const FOLDERS = ["dev", "lib", "mnt", "proc", "root", "run", "sys", "tmp"];

const TREE = "images/rootfs/tree";

/** The user's files for the root. */
export type RootfsFiles = Pick<UserFiles, "overlay" | "initScripts"> & {
  /** `rootfs.strict` */
  readonly strict: boolean;
};

export function givenFiles({ rootfs }: Config, user: UserFiles): RootfsFiles {
  return { overlay: user.overlay, initScripts: user.initScripts, strict: rootfs.strict };
}

export function rootfsPlan(busyboxKey: string, assets: Assets, user: RootfsFiles): RootfsPlan {
  const asked = { ...overlayDigests(user.overlay), ...initInputs(user) };
  const inputs: KeyInputs = {
    busybox: busyboxKey,
    folders: FOLDERS,
    tree: assetsDigest(selectAssets(assets, [TREE])),
    ...asked,
  };
  return { key: stageKey(inputs), inputs, asked, init: guestInit(user.overlay) };
}

function initInputs({ initScripts, strict }: RootfsFiles): Readonly<Record<string, string>> {
  const scripts = initScripts.map(
    ({ path, content }) => [`init ${path}`, sha256(content)] as const,
  );
  return {
    // The order matters, and a script may be listed twice.
    ...(scripts.length === 0 ? {} : { init: initScripts.map(({ path }) => path).join(" ") }),
    ...Object.fromEntries(scripts),
    ...(strict ? { strict: "true" } : {}),
  };
}

/**
 * The complete root; later layers replace earlier ones: empty folders, busybox's install tree, images/rootfs/tree, the
 * overlay, the init scripts of kdock.yaml. The packer sorts entries and sets owner and time. Throws a `config` error for a root
 * that a kernel cannot start.
 */
export function rootfsEntries(
  busybox: readonly RootfsEntry[],
  agent: Uint8Array,
  assets: Assets,
  { overlay, initScripts, strict }: RootfsFiles,
): RootfsEntry[] {
  const root = new RootTree();
  const addFile = (path: string, mode: number, content: Uint8Array) => {
    root.add({ path, kind: "file", mode, content });
  };
  for (const path of FOLDERS) root.add({ path, kind: "directory", mode: 0o755 });
  for (const entry of busybox) root.add(entry);
  for (const [name, { content, executable }] of selectAssets(assets, [TREE])) {
    addFile(name.slice(TREE.length + 1), executable ? 0o755 : 0o644, content);
  }
  addFile(AGENT_PATH, 0o755, agent);
  for (const entry of inOrder(overlay)) root.add(entry);
  initScripts.forEach(({ path, content }, index) => {
    addFile(`${INIT.scripts}/${initScriptName(path, index)}`, 0o755, content);
  });
  if (strict) addFile(INIT.strict, 0o644, new Uint8Array());
  checkInit(root);
  return root.entries();
}

/** Links last, because folders that they replace are moved to their targets; otherwise by the bytes of paths. */
function inOrder(overlay: readonly OverlayEntry[]): OverlayEntry[] {
  const byPath = overlay
    .map((entry) => ({ entry, name: bytesOfPath(entry.path) }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ entry }) => entry);
  const isLink = ({ kind }: OverlayEntry) => kind === "symlink";
  return [...byPath.filter((entry) => !isLink(entry)), ...byPath.filter(isLink)];
}
