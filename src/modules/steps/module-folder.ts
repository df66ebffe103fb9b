import type { TarEntry } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { belongsToModule, checkModuleFolder } from "../plan/module-folder.js";
import type { Context } from "../../core/steps/context.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";

/** More than this is no module's folder, but one that was meant to have it. */
const MAX_FILES = 5000;

/** A module's folder, ready to be sent. */
export interface ReadFolder {
  readonly entries: readonly TarEntry[];
  readonly paths: ReadonlySet<string>;
}

/**
 * What of a folder takes part in a build, links followed. Nothing is written there. Rejects with a `usage` error where there
 * is no such folder, with a `config` error where kbuild would find nothing to do.
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
      isFile ? `${shown} is a file, and a module is a folder` : `there is no folder ${shown}`,
      {
        hint: isFile
          ? "Put it into a folder of its own, with a line in a file Kbuild beside it: obj-m := NAME.o"
          : "Name the folder that has the module's Kbuild or Makefile.",
      },
    );
  }
  const entries: TarEntry[] = [];
  /** Of links that lead to a folder around them, and to a kernel's source, which is no part of a module. */
  const staysLink = async (full: string, inside: readonly string[]) =>
    inside.includes(await files.realPath(full)) ||
    ((await files.exists(`${full}/Kconfig`)) && (await files.isFolder(`${full}/arch`)));
  /** `above`: the folders that a path leads through, by their real names. */
  const read = async (path: string, above: readonly string[]) => {
    const inside = [...above, await files.realPath(`${folder}/${path}`)];
    for (const name of (await files.list(`${folder}/${path}`)).sort()) {
      const below = path === "" ? name : `${path}/${name}`;
      const full = `${folder}/${below}`;
      const isFolder = await files.isFolder(full);
      if (!belongsToModule(name, isFolder)) continue;
      const found = await files.status(full);
      // A link to a folder is that folder: where it leads to is not there in the builder.
      if (isFolder && !(found?.kind === "symlink" && (await staysLink(full, inside)))) {
        await read(below, inside);
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
  // As kbuild chooses.
  const makefile = (await text("Kbuild")) ?? (await text("Makefile"));
  checkModuleFolder({ shown, paths, makefile });
  return { entries, paths: new Set(paths) };
}

function tooMany(shown: string): KdockError {
  return new KdockError(
    "usage",
    `${shown} has more than ${MAX_FILES} files: that is no module's folder`,
    {
      hint: "Name the folder that has the module's own Kbuild or Makefile.",
    },
  );
}
