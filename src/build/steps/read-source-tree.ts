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

/** What a plan has to know of `kernel.source: path:…`; undefined for other sources. */
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
      hint: "A path in kdock.yaml is relative to the folder that holds it, one on the command line to where you are.",
    });
  }
  const text = await readLooseText(files, `${folder}/Makefile`);
  const version = text === undefined ? undefined : makefileVersion(text);
  if (version === undefined) {
    const what = text === undefined ? "has no Makefile" : "holds no kernel source";
    throw new KdockError("config", `kernel.source: ${spec.folder} ${what}`, {
      hint: "It has to be the folder with the kernel's own Makefile, the one that begins with VERSION and PATCHLEVEL.",
    });
  }
  // By its real name, so that its objects are found again whatever it is called.
  const real = await files.realPath(folder);
  const scanned = treeContent ? await scanTree(ctx, real) : undefined;
  // A tree that is only read cannot be patched.
  const mounted =
    patches.length === 0 &&
    ctx.engineIsHere() &&
    !(await files.exists(unseenMarker(ctx))) &&
    (scanned === undefined || scanned.content.isReadable);
  return {
    ...{ folder: real, version },
    transport: mounted ? "mount" : "copy",
    content: scanned?.content,
    kept: scanned?.kept,
  };
}

/** There is one where an engine behind a socket of this machine turned out to have other files. */
export function unseenMarker(ctx: EarlyContext): string {
  return inProject(ctx, `${FOLDER.trees}/unseen`);
}
