import type { Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { type Fragment, initramfsPaths, requestedConfig } from "../../core/plan/kconfig.js";
import type { OverlayEntry } from "../plan/overlay.js";
import type { InitScript, InputEntry, InputTree, UserFiles } from "../plan/user-files.js";
import { hostPath } from "../../core/plan/host-path.js";
import type { EarlyContext } from "../../core/steps/context.js";
import { givenPreset } from "./given-preset.js";
import { readModuleKey } from "./read-module-key.js";
import { missingFile, readNamedFile } from "../../core/steps/read-named-file.js";
import { checkScript, readOverlay } from "./read-overlay.js";
import { readPatches } from "./read-patches.js";
import { readRepository } from "./read-repository.js";
import { readSourceTree } from "./read-source-tree.js";

/**
 * How much of a local kernel source is read: the whole tree, enough for names, or nothing, for a search in its history.
 */
export type TreeReading = "content" | "names" | "history";

/** Reads every file that kdock.yaml names; a missing one is a `config` error that names its key. */
export async function readUserFiles(
  ctx: EarlyContext,
  config: Config,
  tree: TreeReading = "content",
): Promise<UserFiles> {
  const stop = new AbortController();
  const scanning = { ...ctx, signal: AbortSignal.any([ctx.signal, stop.signal]) };
  // First, since it takes longest.
  const source = tree === "history" ? Promise.resolve({}) : sourceOf(scanning, config.kernel, tree);
  // Handled where it is awaited; an earlier error cancels the scan.
  source.catch(() => undefined);
  try {
    const others = await othersThanSource(ctx, config);
    return { ...others, ...(await source) };
  } catch (error) {
    stop.abort();
    await Promise.allSettled([source]);
    throw error;
  }
}

async function othersThanSource(
  ctx: EarlyContext,
  config: Config,
): Promise<Omit<UserFiles, "repository" | "tree">> {
  const { kernel } = config;
  const kernelPreset = await givenPreset(ctx, config);
  await checkScripts(ctx, config.gdb.scripts);
  const kernelFragments = await fragments(ctx, "kernel.fragments", kernel.fragments);
  const requests = [kernelPreset ?? "", requestedConfig(kernelFragments, kernel.set)];
  return {
    kernelFragments,
    kernelPreset,
    kernelPatches: await readPatches(ctx, kernel.patches),
    kernelKeys: await publicKeys(ctx, "kernel.keys", kernel.keys),
    moduleKey:
      kernel.moduleKey === undefined ? undefined : await readModuleKey(ctx, kernel.moduleKey),
    initramfs: await Promise.all(initramfsPaths(requests).map((path) => inputTree(ctx, path))),
    busyboxFragments: await fragments(ctx, "busybox.fragments", config.busybox.fragments),
    busyboxKeys: await publicKeys(ctx, "busybox.keys", config.busybox.keys),
    overlay: config.rootfs.overlay === undefined ? [] : await overlay(ctx, config.rootfs.overlay),
    initScripts: await Promise.all(config.rootfs.init.map((path) => initScript(ctx, path))),
  };
}

async function sourceOf(
  ctx: EarlyContext,
  kernel: Config["kernel"],
  reading: Exclude<TreeReading, "history">,
): Promise<Pick<UserFiles, "repository" | "tree">> {
  return {
    repository: await readRepository(ctx, kernel.source),
    tree: await readSourceTree(ctx, kernel, { treeContent: reading === "content" }),
  };
}

function fragments(ctx: EarlyContext, key: string, paths: readonly string[]): Promise<Fragment[]> {
  return Promise.all(
    paths.map(async (name) => ({ name, text: await readNamedFile(ctx, key, name) })),
  );
}

/** Rejects private keys: files for a builder are printed with a plan. */
async function publicKeys(
  ctx: EarlyContext,
  key: string,
  paths: readonly string[],
): Promise<Fragment[]> {
  const keys = await fragments(ctx, key, paths);
  const secret = keys.find(({ text }) => /-----BEGIN [A-Z ]*PRIVATE KEY/.test(text));
  if (secret === undefined) return keys;
  throw new KdockError("config", `${key}: ${secret.name} holds a private key`, {
    hint: "Use the public key of the signer: `gpg --armor --export NAME` prints it.",
  });
}

/** Rejects missing scripts early; gdb reads them later. */
async function checkScripts(ctx: EarlyContext, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (!(await ctx.host.files.exists(hostPath(ctx.folder, path))))
      throw missingFile("gdb.scripts", path);
  }
}

async function inputTree(ctx: EarlyContext, path: string): Promise<InputTree> {
  const { files } = ctx.host;
  const full = hostPath(ctx.folder, path);
  const parts = path.split("/");
  if (parts.includes("..") || !(await files.exists(full)) || !(await isBelow(ctx, full))) {
    throw new KdockError("config", `CONFIG_INITRAMFS_SOURCE: there is no ${path} in the project`, {
      hint: "Relative paths in it are relative to the folder that holds kdock.yaml, and stay below it.",
    });
  }
  if (await files.isFolder(full)) return { path, entries: await entriesBelow(ctx, full) };
  const content = await files.readBytes(full);
  return { path, entries: [{ path: "", kind: "file", executable: false, target: "", content }] };
}

/** With links resolved. */
async function isBelow({ host: { files }, folder }: EarlyContext, path: string): Promise<boolean> {
  return (await files.realPath(path)).startsWith(`${await files.realPath(folder)}/`);
}

async function overlay(ctx: EarlyContext, path: string): Promise<OverlayEntry[]> {
  const folder = hostPath(ctx.folder, path);
  if (!(await ctx.host.files.exists(folder))) {
    throw new KdockError("config", `rootfs.overlay: there is no folder ${path}`, {
      hint: "Create it, or remove the key from kdock.yaml.",
    });
  }
  return readOverlay(ctx, path, folder);
}

async function initScript(ctx: EarlyContext, path: string): Promise<InitScript> {
  const full = hostPath(ctx.folder, path);
  const { files } = ctx.host;
  if (!(await files.exists(full))) throw missingFile("rootfs.init", path);
  if (await files.isFolder(full)) {
    throw new KdockError("config", `rootfs.init: ${path} is a folder`, {
      hint: "Name the scripts in it one by one, in the order in which they are to run.",
    });
  }
  const content = await files.readBytes(full);
  checkScript("rootfs.init", path, content);
  return { path, content };
}

async function entriesBelow(ctx: EarlyContext, folder: string): Promise<InputEntry[]> {
  const entries = await ctx.host.files.tree(folder);
  return Promise.all(
    entries.map(async (entry) => ({
      path: entry.path,
      kind: entry.kind,
      executable: (entry.mode & 0o111) !== 0,
      target: entry.target,
      content:
        entry.kind === "file"
          ? await ctx.host.files.readBytes(`${folder}/${entry.path}`)
          : new Uint8Array(),
    })),
  );
}
