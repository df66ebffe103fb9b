import type { TarEntry } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { type ModuleFile, readModuleList } from "../plan/module-plan.js";
import { belowInput, FOLDER, INSIDE } from "../../core/plan/names.js";
import {
  type ArtifactContext,
  artifactFolder,
  readManifest,
} from "../../core/steps/artifact-store.js";
import { type Context, inProject } from "../../core/steps/context.js";

/** The last build of an out-of-tree module; it may have several .ko files. */
export interface BuiltModule {
  readonly name: string;
  /** Absolute: the module's source, and its artifacts. */
  readonly source: string;
  readonly folder: string;
  /** The key of the kernel that it was built for. */
  readonly kernelKey: string;
  readonly release: string;
  readonly files: readonly ModuleFile[];
}

const STAGE = "module";

export async function readModule(ctx: Context, name: string): Promise<BuiltModule | undefined> {
  const manifest = await readManifest(ctx, STAGE, name);
  if (manifest === undefined) return undefined;
  const folder = artifactFolder(ctx, STAGE, name);
  const list = await ctx.host.files.readText(`${folder}/${FOLDER.moduleList}`);
  return {
    name,
    folder,
    source: manifest.resolved["folder"] ?? "",
    kernelKey: String(manifest.inputs["kernel"] ?? ""),
    release: manifest.resolved["release"] ?? "",
    files: readModuleList(list ?? ""),
  };
}

/** Rejects with a `usage` error that lists the modules. */
export async function requireModule(ctx: Context, name: string): Promise<BuiltModule> {
  const found = await readModule(ctx, name);
  if (found !== undefined) return found;
  const names = await moduleNames(ctx);
  throw new KdockError("usage", `no module ${name} has been built`, {
    hint:
      names.length > 0
        ? `Built modules: ${names.join(", ")}.`
        : "Build one: `kdock module build FOLDER`.",
  });
}

/** Those that are built, in the order of their names. */
export async function moduleNames(ctx: ArtifactContext): Promise<string[]> {
  const { files } = ctx.host;
  const folder = inProject(ctx, `${FOLDER.out}/${STAGE}`);
  if (!(await files.isFolder(folder))) return [];
  const names = (await files.list(folder)).sort();
  const whole = await Promise.all(
    names.map(async (name) => (await readManifest(ctx, STAGE, name)) !== undefined),
  );
  return names.filter((_name, index) => whole[index]);
}

export async function allModules(ctx: Context): Promise<readonly BuiltModule[]> {
  const all = await Promise.all((await moduleNames(ctx)).map((name) => readModule(ctx, name)));
  return all.filter((each) => each !== undefined);
}

/** The modules that were built for a kernel. */
export async function modulesOf(ctx: Context, kernelKey: string): Promise<readonly BuiltModule[]> {
  return (await allModules(ctx)).filter((each) => each.kernelKey === kernelKey);
}

/** Files for /in of a debugger's container. */
export async function moduleInputs(ctx: Context, kernelKey: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const module of await modulesOf(ctx, kernelKey))
    entries.push(...(await inputsOf(ctx, module)));
  return entries;
}

export async function inputsOf(
  ctx: Context,
  { name, folder, files }: BuiltModule,
): Promise<TarEntry[]> {
  const below = belowInput(INSIDE.moduleFiles);
  return Promise.all(
    files.map(async ({ file }): Promise<TarEntry> => ({
      path: `${below}/${name}/${file}`,
      kind: "file",
      mode: 0o644,
      content: Buffer.from(await ctx.host.files.readBytes(`${folder}/${file}`)),
    })),
  );
}
