import { localRepository, sourceSpec } from "../config/source-spec.js";
import { KdockError } from "../errors.js";
import { hostPath } from "../plan/host-path.js";
import type { LocalRepository } from "../plan/user-files.js";
import type { Context } from "./context.js";

/** The repository of `kernel.source: git:…` when that is on this machine; undefined for others, and other sources. */
export async function readRepository(
  ctx: Context,
  source: string,
): Promise<LocalRepository | undefined> {
  const spec = sourceSpec(source);
  const local = spec.kind === "git" ? localRepository(spec.url) : undefined;
  if (spec.kind !== "git" || local === undefined) return undefined;
  const path = hostPath(ctx.folder, local);
  const found = await gitFolder(ctx, path);
  if (found === undefined) {
    throw new KdockError("config", `kernel.source: there is no git repository at ${spec.url}`, {
      hint: "Name the folder that has .git in it, or a bare repository.",
    });
  }
  if (!ctx.engineIsHere()) {
    throw new KdockError(
      "environment",
      `the engine is on another machine, and cannot read the repository ${spec.url}`,
      { hint: "Name one that both can reach, or build the checked-out tree: path:FOLDER travels." },
    );
  }
  const folder = await ctx.host.files.realPath(found);
  return { folder, alternates: await alternatesOf(ctx, `${folder}/objects`) };
}

/** What has the objects: a worktree says where its repository is. */
async function gitFolder(ctx: Context, path: string): Promise<string | undefined> {
  const { files } = ctx.host;
  if (await files.isFolder(`${path}/.git/objects`)) return `${path}/.git`;
  if ((await files.isFolder(`${path}/objects`)) && (await files.exists(`${path}/HEAD`)))
    return path;
  if (!(await files.exists(`${path}/.git`)) || (await files.isFolder(`${path}/.git`)))
    return undefined;
  const linked = hostPath(
    path,
    ((await files.readText(`${path}/.git`)) ?? "").replace(/^gitdir: /, "").trim(),
  );
  const common = (await files.readText(`${linked}/commondir`))?.trim();
  return common === undefined ? linked : hostPath(linked, common);
}

async function alternatesOf(ctx: Context, objects: string): Promise<string[]> {
  const text = (await ctx.host.files.readText(`${objects}/info/alternates`)) ?? "";
  const names = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Promise.all(names.map((name) => ctx.host.files.realPath(hostPath(objects, name))));
}
