import { KdockError } from "../../core/errors.js";
import { EXPORT_MARKER } from "../../build/plan/exported-tree.js";
import type { Context } from "../../core/steps/context.js";

/**
 * The real path of a folder that may be replaced by an export: one that is not there yet, is empty, is an earlier
 * export, or is given up with `force`. Rejects with a `usage` error otherwise.
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
  if ([ctx.folder, home].some((precious) => holds(folder, precious))) {
    throw new KdockError("usage", `${path} holds more than an export`, {
      hint: "The folder is replaced as a whole: name one of its own, such as ./linux.",
    });
  }
  const isOurs = await files.exists(`${folder}/${EXPORT_MARKER}`);
  if (!force && !isOurs && (await files.list(folder)).length > 0) {
    throw new KdockError("usage", `${path} is not empty, and no earlier export`, {
      hint: "Name another folder, or replace it and all that is in it with --force.",
    });
  }
  return folder;
}

function holds(folder: string, precious: string): boolean {
  return `${precious}/`.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The key of the export that a folder holds; undefined when it holds none. */
export async function exportedKey(ctx: Context, folder: string): Promise<string | undefined> {
  const text = await ctx.host.files.readText(`${folder}/${EXPORT_MARKER}`);
  return text === undefined ? undefined : (JSON.parse(text) as { key: string }).key;
}
