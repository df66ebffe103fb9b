import type { TarEntry } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { belongsToModule, checkModuleFolder } from "../plan/module-folder.js";
import type { Context } from "../../core/steps/context.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";

/** A larger folder is probably a parent of the module's. */
const MAX_FILES = 5000;

/** The contents of a module's folder. */
export interface ReadFolder {
  readonly entries: readonly TarEntry[];
  readonly paths: ReadonlySet<string>;
}

/**
 * Reads the files of a module's folder that take part in a build; links are followed. Rejects with a `usage` error if
 * the folder does not exist, and with a `config` error if kbuild would find nothing to build.
 */
export async function readModuleFolder(
  ctx: Context,
  folder: string,
  shown: string,
): Promise<ReadFolder> {
  const { files } = ctx.host;
  if (!(await files.isFolder(folder))) {
    const isFile = await files.exists(folder);
    throw new KdockError(
      "usage",
      isFile ? `${shown} is a file, not a folder` : `there is no folder ${shown}`,
      {
        hint: isFile
          ? "Put it into a folder, beside a file Kbuild with the line: obj-m := NAME.o"
          : "Name the folder with the module's Kbuild or Makefile.",
      },
    );
  }
  const entries: TarEntry[] = [];
  /** Not followed: a link to one of its parents, and a link to a kernel's source. */
  const staysLink = async (full: string, parents: readonly string[]) =>
    parents.includes(await files.realPath(full)) ||
    ((await files.exists(`${full}/Kconfig`)) && (await files.isFolder(`${full}/arch`)));
  /** `above`: the real paths of the parent folders. */
  const read = async (path: string, above: readonly string[]) => {
    const parents = [...above, await files.realPath(`${folder}/${path}`)];
    for (const name of (await files.list(`${folder}/${path}`)).sort()) {
      const below = path === "" ? name : `${path}/${name}`;
      const full = `${folder}/${below}`;
      const isFolder = await files.isFolder(full);
      if (!belongsToModule(name, isFolder)) continue;
      const found = await files.status(full);
      // Copies the folder that a link points to: the builder does not have the link's target.
      if (isFolder && !(found?.kind === "symlink" && (await staysLink(full, parents)))) {
        await read(below, parents);
      } else if (found?.kind === "symlink" && (isFolder || !(await files.exists(full)))) {
        entries.push({ path: below, kind: "symlink", target: found.target });
      } else if (found?.kind === "file" || found?.kind === "symlink") {
        const content = Buffer.from(await files.readBytes(full));
        entries.push({
          path: below,
          kind: "file",
          mode: (found.mode & 0o100) !== 0 ? 0o755 : 0o644,
          content,
        });
      }
      if (entries.length > MAX_FILES) throw tooMany(shown);
    }
  };
  await read("", []);
  const paths = entries.map(({ path }) => path);
  const text = async (name: string) =>
    paths.includes(name) ? await readLooseText(files, `${folder}/${name}`) : undefined;
  // kbuild's order of preference.
  const makefile = (await text("Kbuild")) ?? (await text("Makefile"));
  checkModuleFolder({ shown, paths, makefile });
  return { entries, paths: new Set(paths) };
}

function tooMany(shown: string): KdockError {
  return new KdockError(
    "usage",
    `${shown} has more than ${MAX_FILES} files: too many for a module`,
    {
      hint: "Name the folder with the module's Kbuild or Makefile.",
    },
  );
}
