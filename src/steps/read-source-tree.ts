import { sourceSpec } from "../config/source-spec.js";
import { KdockError } from "../errors.js";
import { makefileVersion } from "../plan/kernel-version.js";
import type { SourceTree } from "../plan/user-files.js";
import type { Context } from "./context.js";

/** What a plan has to know of `kernel.source: path:…`; undefined for other sources. */
export async function readSourceTree(
  ctx: Context,
  source: string,
): Promise<SourceTree | undefined> {
  const spec = sourceSpec(source);
  if (spec.kind !== "path") return undefined;
  const folder = spec.folder.startsWith("/") ? spec.folder : `${ctx.folder}/${spec.folder}`;
  const { files } = ctx.host;
  if (!(await files.exists(folder)) || !(await files.isFolder(folder))) {
    throw new KdockError("config", `kernel.source: there is no folder ${spec.folder}`, {
      hint: "A path in kdock.yaml is relative to the folder that holds it, one on the command line to where you are.",
    });
  }
  const text = await files.readText(`${folder}/Makefile`);
  const version = text === undefined ? undefined : makefileVersion(text);
  if (version === undefined) {
    throw new KdockError("config", `kernel.source: ${spec.folder} holds no kernel source`, {
      hint: "It has to be the folder with the kernel's own Makefile, the one that begins with VERSION and PATCHLEVEL.",
    });
  }
  return { folder, version };
}
