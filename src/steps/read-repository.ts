import { localRepository, sourceSpec } from "../config/source-spec.js";
import { KdockError } from "../errors.js";
import { hostPath } from "../plan/host-path.js";
import type { LocalRepository } from "../plan/user-files.js";
import type { EarlyContext } from "./context.js";

/** The repository of `kernel.source: git:…` when that is on this machine; undefined for others, and other sources. */
export async function readRepository(
  ctx: EarlyContext,
  source: string,
): Promise<LocalRepository | undefined> {
  const spec = sourceSpec(source);
  const local = spec.kind === "git" ? localRepository(spec.url) : undefined;
  return local === undefined ? undefined : await findRepository(ctx, local);
}

/**
 * The repository of a folder, named as the user wrote it: of a checkout, a worktree, or a bare one. Rejects with `config`
 * when there is none, and with `environment` when the engine is on another machine, which cannot read it.
 */
export async function findRepository(ctx: EarlyContext, written: string): Promise<LocalRepository> {
  const path = hostPath(ctx.folder, written);
  const found = await gitFolder(ctx, path);
  if (found === undefined) {
    throw new KdockError("config", `kernel.source: there is no git repository at ${written}`, {
      hint: "Name the folder that has .git in it, or a bare repository.",
    });
  }
  if (!ctx.engineIsHere()) {
    throw new KdockError(
      "environment",
      `the engine is on another machine, and cannot read the repository ${written}`,
      {
        hint: "Push it to where that machine reaches it (git:URL#REF), or build the checked-out tree: path:FOLDER travels.",
      },
    );
  }
  const folder = await ctx.host.files.realPath(found.folder);
  const alternates = await alternatesOf(ctx, `${folder}/objects`);
  return { folder, alternates, head: found.head };
}

/** What has the objects: a worktree says where its repository is, and has a HEAD of its own. */
async function gitFolder(
  ctx: EarlyContext,
  path: string,
): Promise<Pick<LocalRepository, "folder" | "head"> | undefined> {
  const { files } = ctx.host;
  if (await files.isFolder(`${path}/.git/objects`)) return { folder: `${path}/.git` };
  if ((await files.isFolder(`${path}/objects`)) && (await files.exists(`${path}/HEAD`)))
    return { folder: path };
  if (!(await files.exists(`${path}/.git`)) || (await files.isFolder(`${path}/.git`)))
    return undefined;
  const linked = hostPath(
    path,
    ((await files.readText(`${path}/.git`)) ?? "").replace(/^gitdir: /, "").trim(),
  );
  const common = (await files.readText(`${linked}/commondir`))?.trim();
  // A submodule's has all that a repository has.
  if (common === undefined) return { folder: linked };
  const head = (await files.readText(`${linked}/HEAD`))?.replace(/^ref: /, "").trim();
  return { folder: hostPath(linked, common), head };
}

async function alternatesOf(ctx: EarlyContext, objects: string): Promise<string[]> {
  const text = (await ctx.host.files.readText(`${objects}/info/alternates`)) ?? "";
  const names = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Promise.all(names.map((name) => ctx.host.files.realPath(hostPath(objects, name))));
}
