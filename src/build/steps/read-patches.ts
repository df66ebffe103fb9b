import { KdockError } from "../../core/errors.js";
import type { Fragment } from "../../core/plan/kconfig.js";
import { hostPath } from "../../core/plan/host-path.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { type ProjectFiles, readNamedFile } from "../../core/steps/read-named-file.js";

const KEY = "kernel.patches";

/**
 * The patches that `kernel.patches` names, in order. A folder stands for the patches in its file `series`, as in quilt, or for
 * all its *.patch; a file `series` can be named, too.
 */
export async function readPatches(
  ctx: ProjectFiles,
  paths: readonly string[],
): Promise<Fragment[]> {
  const names = await Promise.all(paths.map((path) => patchPaths(ctx, path)));
  return Promise.all(
    names.flat().map(async (name) => ({ name, text: await readNamedFile(ctx, KEY, name) })),
  );
}

/** The patches that one path of `kernel.patches` stands for, as paths in the notation of kdock.yaml. */
export async function patchPaths(ctx: ProjectFiles, path: string): Promise<string[]> {
  const { files } = ctx.host;
  const full = hostPath(ctx.folder, path);
  if (/(?:^|\/)series$/.test(path)) return listed(path, await readNamedFile(ctx, KEY, path));
  if (!(await files.isFolder(full))) return [path];
  const folder = path.replace(/\/+$/, "");
  const series = await readLooseText(files, `${full}/series`);
  if (series !== undefined) return listed(`${folder}/series`, series);
  const found = (await files.list(full)).filter((name) => name.endsWith(".patch"));
  if (found.length > 0) return found.map((name) => `${folder}/${name}`);
  throw new KdockError("config", `${KEY}: the folder ${path} has no file series and no *.patch`, {
    hint: "Name the patches one by one, or list them, a line each, in a file series.",
  });
}

/** A line is a path relative to the file; "-p1" may follow, which is the default, and # starts a comment. */
function listed(path: string, series: string): string[] {
  const folder = path.slice(0, -"series".length);
  return series.split("\n").flatMap((line, index) => {
    const [name = "", ...options] = line
      .replace(/(?:^|\s)#.*/, "")
      .trim()
      .split(/\s+/);
    if (name === "") return [];
    const other = options.find((option) => option !== "-p1");
    if (other === undefined) return [`${folder}${name}`];
    throw new KdockError(
      "config",
      `${KEY}: ${path}:${index + 1}: only -p1 is supported, not ${other}`,
      {
        hint: "Create the patch with -p1, as git does: paths begin with a/ and b/.",
      },
    );
  });
}
