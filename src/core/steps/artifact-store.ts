import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Architecture } from "../../config/config.js";
import { architectureFrom } from "../plan/architectures.js";
import type { Manifest, ManifestFile } from "../plan/manifest.js";
import { FOLDER } from "../plan/names.js";
import { readLooseText } from "./read-loose-text.js";
import { type Context, inProject } from "./context.js";
import { measuredStream } from "./measured-stream.js";

/** What artifacts are read with: less than a Context, for a command that opens no project. */
export interface ArtifactContext {
  readonly folder: string;
  readonly host: { readonly files: Context["host"]["files"] };
}

/** Absolute path of the folder that holds (or will hold) a stage's artifacts. */
export function artifactFolder(ctx: Pick<Context, "folder">, stage: string, key: string): string {
  return inProject(ctx, `${FOLDER.out}/${stage}/${key}`);
}

/** The .config that a kernel was built with; undefined if the kernel has no artifacts. */
export function readKernelConfig(ctx: ArtifactContext, key: string): Promise<string | undefined> {
  return readLooseText(ctx.host.files, `${artifactFolder(ctx, "kernel", key)}/config`);
}

/** The keys of a stage that are built. */
export async function artifactKeys(ctx: ArtifactContext, stage: string): Promise<string[]> {
  const folder = inProject(ctx, `${FOLDER.out}/${stage}`);
  if (!(await ctx.host.files.isFolder(folder))) return [];
  // A folder that is being written has another name.
  return (await ctx.host.files.list(folder)).filter((name) => /^[\da-f]+$/.test(name));
}

/** The manifest of an artifact folder; undefined if there is none. A folder gets its name only when it is complete. */
export function readManifest(
  ctx: ArtifactContext,
  stage: string,
  key: string,
): Promise<Manifest | undefined> {
  return manifestIn(ctx.host.files, artifactFolder(ctx, stage, key));
}

/** The manifest of a stage of the current set, to print what changed. */
export function readCurrentManifest(
  ctx: ArtifactContext,
  stage: string,
): Promise<Manifest | undefined> {
  return manifestIn(ctx.host.files, inProject(ctx, `${FOLDER.current}/${stage}`));
}

/** The architecture that a kernel was built for; the default one if its manifest has none. */
export async function architectureBuilt(ctx: Context, kernelKey: string): Promise<Architecture> {
  return architectureFrom((await readManifest(ctx, "kernel", kernelKey))?.inputs ?? {});
}

/** The architecture of the current set; undefined if there is none. Takes no context: called before there is one. */
export async function lastArchitecture(
  files: Context["host"]["files"],
  folder: string,
): Promise<Architecture | undefined> {
  const manifest = await manifestIn(files, `${folder}/${FOLDER.current}/kernel`);
  return manifest && architectureFrom(manifest.inputs);
}

async function manifestIn(
  files: Pick<Context["host"]["files"], "readText">,
  folder: string,
): Promise<Manifest | undefined> {
  const text = await files.readText(`${folder}/${FOLDER.manifest}`);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

/**
 * Fills a temporary folder, writes the manifest and renames the folder, so that an interrupted extraction leaves no incomplete
 * artifacts. The temporary folder is removed on an error.
 */
export async function storeArtifacts(
  ctx: Context,
  manifest: Omit<Manifest, "files" | "kdock">,
  fill: (folder: string) => Promise<readonly ManifestFile[]>,
  about: (folder: string) => Promise<Partial<Manifest>> = () => Promise.resolve({}),
): Promise<Manifest> {
  const { files } = ctx.host;
  const folder = artifactFolder(ctx, manifest.stage, manifest.key);
  const temporary = await files.makeTemporary(folder);
  try {
    const made = await fill(temporary);
    const found = await about(temporary);
    const resolved = { ...manifest.resolved, ...found.resolved };
    const whole: Manifest = { kdock: 1, ...manifest, ...found, resolved, files: made };
    await files.writeAtomic(
      `${temporary}/${FOLDER.manifest}`,
      `${JSON.stringify(whole, undefined, 2)}\n`,
    );
    await files.replace(temporary, folder);
    return whole;
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
}

/** A set: a folder with one link per stage. */
export async function makeSet(
  ctx: Context,
  setKey: string,
  stages: Readonly<Record<string, string>>,
): Promise<void> {
  const { files } = ctx.host;
  const folder = artifactFolder(ctx, "set", setKey);
  await files.makeFolder(folder);
  for (const [stage, key] of Object.entries(stages)) {
    await files.pointLink(`${folder}/${stage}`, `../../${stage}/${key}`);
  }
}

/** Points `.kdock/out/current` at a set. */
export async function pointCurrent(ctx: Context, setKey: string): Promise<void> {
  await ctx.host.files.pointLink(inProject(ctx, FOLDER.current), `set/${setKey}`);
}

/** Writes a file into an artifact folder. */
export async function storeStream(
  ctx: Context,
  folder: string,
  path: string,
  content: Readable,
): Promise<ManifestFile> {
  const measured = measuredStream();
  const sink = await ctx.host.files.writeStream(`${folder}/${path}`, 0o644);
  await pipeline(content, measured.through, sink, { signal: ctx.signal });
  return { path, kind: "file", ...measured.facts(), target: "" };
}
