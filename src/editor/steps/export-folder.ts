import { KdockError } from "../../core/errors.js";
import { EXPORT_MARKER } from "../../build/plan/exported-tree.js";
import type { Context } from "../../core/steps/context.js";

/**
 * The real path of the export's folder. Rejects with a `usage` error unless it does not exist, is empty, is an earlier
 * export, or `force` is set; also for a folder that contains the project or the home folder.
 */
export async function checkExportFolder(
  ctx: Context,
  { path, force, home }: { path: string; force: boolean; home: string },
): Promise<string> {
  const { files } = ctx.host;
  if (!(await files.exists(path))) return path;
  const folder = await files.realPath(path);
  if (!(await files.isFolder(folder))) {
    throw new KdockError("usage", `${path} is a file`, { hint: "Name a folder." });
  }
  if ([ctx.folder, home].some((protectedFolder) => contains(folder, protectedFolder))) {
    throw new KdockError("usage", `${path} contains the project or the home folder`, {
      hint: "An export replaces the whole folder: name another one, such as ./linux.",
    });
  }
  const isOurs = await files.exists(`${folder}/${EXPORT_MARKER}`);
  if (!force && !isOurs && (await files.list(folder)).length > 0) {
    throw new KdockError("usage", `${path} is not empty and not an earlier export`, {
      hint: "Name another folder, or replace it and its contents with --force.",
    });
  }
  return folder;
}

function contains(folder: string, path: string): boolean {
  return `${path}/`.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The key of the export in a folder; undefined without one. */
export async function exportedKey(ctx: Context, folder: string): Promise<string | undefined> {
  const text = await ctx.host.files.readText(`${folder}/${EXPORT_MARKER}`);
  return text === undefined ? undefined : (JSON.parse(text) as { key: string }).key;
}
