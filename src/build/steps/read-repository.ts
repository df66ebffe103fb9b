import { localRepository, sourceSpec } from "../../config/source-spec.js";
import { KdockError } from "../../core/errors.js";
import type { HostFiles } from "../../host/host.js";
import { hostPath } from "../../core/plan/host-path.js";
import type { LocalRepository, RepositoryAt } from "../../core/local-repository.js";
import type { EarlyContext } from "../../core/steps/context.js";

type Files = Pick<HostFiles, "exists" | "isFolder" | "list" | "readText" | "realPath" | "status">;

/** Reads each repository once, so that all steps of a command use the same one even if the checkout changes meanwhile. */
export function repositoryReader(files: Files): RepositoryAt {
  const read = new Map<string, Promise<LocalRepository | undefined>>();
  return (path) => {
    const repository = read.get(path) ?? repositoryAt(files, path);
    read.set(path, repository);
    return repository;
  };
}

/** The repository of `kernel.source: git:…` if it is on the host; undefined for a remote one and other sources. */
export async function readRepository(
  ctx: EarlyContext,
  source: string,
): Promise<LocalRepository | undefined> {
  const spec = sourceSpec(source);
  const local = spec.kind === "git" ? localRepository(spec.url) : undefined;
  return local === undefined ? undefined : await findRepository(ctx, local);
}

/**
 * The repository of a folder, as written in kdock.yaml. Rejects with `config` if there is none, and with `environment` if the
 * engine is on another machine, which cannot read it.
 */
export async function findRepository(ctx: EarlyContext, written: string): Promise<LocalRepository> {
  const found = await ctx.repositoryAt(hostPath(ctx.folder, written));
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
        hint: "Push it to a server that the machine can reach (git:URL#REF), or build the work tree: path:FOLDER is sent to the engine.",
      },
    );
  }
  return found;
}

async function repositoryAt(files: Files, path: string): Promise<LocalRepository | undefined> {
  const found = await gitFolder(files, path);
  if (found === undefined) return undefined;
  const folder = await files.realPath(found.folder);
  return { folder, alternates: await alternatesOf(files, `${folder}/objects`), head: found.head };
}

/** The folder with the objects. A worktree refers to its repository, and has its own HEAD. */
async function gitFolder(
  files: Files,
  path: string,
): Promise<Pick<LocalRepository, "folder" | "head"> | undefined> {
  if (await files.isFolder(`${path}/.git/objects`)) return { folder: `${path}/.git` };
  if (await isRepository(files, path)) return { folder: path };
  const link = /^gitdir: (.*)/.exec((await readSmall(files, `${path}/.git`)) ?? "")?.[1];
  if (link === undefined) return undefined;
  const linked = hostPath(path, link.trim());
  const common = (await readSmall(files, `${linked}/commondir`))?.trim();
  // The git folder of a submodule is a complete repository.
  if (common === undefined)
    return (await isRepository(files, linked)) ? { folder: linked } : undefined;
  const folder = hostPath(linked, common);
  if (!(await isRepository(files, folder))) return undefined;
  return { folder, head: headIn((await readSmall(files, `${linked}/HEAD`)) ?? "") };
}

async function isRepository(files: Files, folder: string): Promise<boolean> {
  return (await files.isFolder(`${folder}/objects`)) && (await files.exists(`${folder}/HEAD`));
}

/** Validated, because it becomes part of the builder's environment. */
function headIn(text: string): string | undefined {
  return /^(?:ref: )?(refs\/\S+|[\da-f]{40,64})$/.exec(text.trim())?.[1];
}

/** Only folders of git objects: alternates are mounted for the builder. */
async function alternatesOf(files: Files, objects: string): Promise<string[]> {
  const text = (await readSmall(files, `${objects}/info/alternates`)) ?? "";
  const names = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const found: string[] = [];
  for (const name of names) {
    const path = hostPath(objects, name);
    if (await hasObjects(files, path)) found.push(await files.realPath(path));
  }
  return found;
}

const OBJECTS = /^(?:pack|info|[\da-f]{2})$/;

async function hasObjects(files: Files, path: string): Promise<boolean> {
  if (!(await files.isFolder(path))) return false;
  for (const name of await files.list(path)) {
    if (OBJECTS.test(name) && (await files.isFolder(`${path}/${name}`))) return true;
  }
  return false;
}

const SMALL_BYTES = 1 << 16;

/** Undefined for a file that git has not written: a device, which may be endless, or a large file. */
async function readSmall(files: Files, path: string): Promise<string | undefined> {
  if (!(await files.exists(path))) return undefined;
  const status = await files.status(await files.realPath(path));
  const isSmall = status?.kind === "file" && status.sizeBytes <= SMALL_BYTES;
  return isSmall ? await files.readText(path) : undefined;
}
