import type { Config } from "../config/config.js";
import { KdockError } from "../errors.js";
import type { Fragment } from "../plan/kconfig.js";
import { type OverlayEntry, presetFile, type UserFiles } from "../plan/user-files.js";
import type { Context } from "./context.js";

/** Reads every file that kdock.yaml names; a missing one is a `config` error that names its key. */
export async function readUserFiles(ctx: Context, config: Config): Promise<UserFiles> {
  const preset = presetFile(config);
  return {
    kernelFragments: await fragments(ctx, "kernel.fragments", config.kernel.fragments),
    kernelPreset: preset === undefined ? undefined : await text(ctx, "kernel.preset", preset),
    busyboxFragments: await fragments(ctx, "busybox.fragments", config.busybox.fragments),
    overlay: config.rootfs.overlay === undefined ? [] : await overlay(ctx, config.rootfs.overlay),
  };
}

function fragments(ctx: Context, key: string, paths: readonly string[]): Promise<Fragment[]> {
  return Promise.all(paths.map(async (name) => ({ name, text: await text(ctx, key, name) })));
}

async function text(ctx: Context, key: string, path: string): Promise<string> {
  const content = await ctx.host.files.readText(absolute(ctx, path));
  if (content === undefined) {
    throw new KdockError("config", `${key}: there is no file ${path}`, {
      hint: "Paths in kdock.yaml are relative to the folder that holds it.",
    });
  }
  return content;
}

async function overlay(ctx: Context, path: string): Promise<OverlayEntry[]> {
  const folder = absolute(ctx, path);
  if (!(await ctx.host.files.exists(folder))) {
    throw new KdockError("config", `rootfs.overlay: there is no folder ${path}`, {
      hint: "Make it, or take the key out of kdock.yaml.",
    });
  }
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

function absolute(ctx: Context, path: string): string {
  return path.startsWith("/") ? path : `${ctx.folder}/${path}`;
}
