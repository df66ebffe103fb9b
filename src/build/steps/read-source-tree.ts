import type { Config } from "../../config/config.js";
import { sourceSpec } from "../../config/source-spec.js";
import { KdockError } from "../../core/errors.js";
import { hostPath } from "../../core/plan/host-path.js";
import { makefileVersion } from "../plan/kernel-version.js";
import { FOLDER } from "../../core/plan/names.js";
import type { SourceTree } from "../plan/user-files.js";
import { type EarlyContext, inProject } from "../../core/steps/context.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { scanTree } from "../../tree/steps/scan-tree.js";

/** The local tree of `kernel.source: path:…`; undefined for other sources. */
export async function readSourceTree(
  ctx: EarlyContext,
  { source, patches }: Pick<Config["kernel"], "source" | "patches">,
  { treeContent }: { treeContent: boolean },
): Promise<SourceTree | undefined> {
  const spec = sourceSpec(source);
  if (spec.kind !== "path") return undefined;
  const folder = hostPath(ctx.folder, spec.folder);
  const { files } = ctx.host;
  if (!(await files.exists(folder)) || !(await files.isFolder(folder))) {
    throw new KdockError("config", `kernel.source: there is no folder ${spec.folder}`, {
      hint: "A path in kdock.yaml is relative to its folder, one on the command line to the current folder.",
    });
  }
  const text = await readLooseText(files, `${folder}/Makefile`);
  const version = text === undefined ? undefined : makefileVersion(text);
  if (version === undefined) {
    const what = text === undefined ? "has no Makefile" : "is not a kernel source tree";
    throw new KdockError("config", `kernel.source: ${spec.folder} ${what}`, {
      hint: "Name the folder with the kernel's top-level Makefile, which begins with VERSION and PATCHLEVEL.",
    });
  }
  // Links resolved, so that all names of the tree use the same objects.
  const real = await files.realPath(folder);
  const scanned = treeContent ? await scanTree(ctx, real) : undefined;
  // A mounted tree is read-only and cannot be patched.
  const mounted =
    patches.length === 0 &&
    ctx.engineIsHere() &&
    !(await files.exists(notVisibleMarker(ctx))) &&
    (scanned === undefined || scanned.content.isReadable);
  return {
    ...{ folder: real, version },
    transport: mounted ? "mount" : "copy",
    content: scanned?.content,
    saved: scanned?.saved,
  };
}

/** A file that exists if the engine, although behind a local socket, does not see the host's files. */
export function notVisibleMarker(ctx: EarlyContext): string {
  return inProject(ctx, `${FOLDER.trees}/unseen`);
}
