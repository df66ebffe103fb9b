import { KdockError } from "../../core/errors.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { LOCAL_TREE } from "../plan/tree-plan.js";
import type { SourceTree } from "../plan/user-files.js";
import type { Context } from "../../core/steps/context.js";
import { readSourceTree } from "./read-source-tree.js";
import { lastTreeFile } from "../../tree/steps/tree-look.js";

export interface KernelSource {
  /** As kdock.yaml would name it. */
  readonly source: string;
  readonly tree: SourceTree | undefined;
}

/**
 * What a kernel that is built was built from. A manifest does not say where a local tree lies: it is the one that was looked
 * at last, if it still holds what it held then; undefined where it does not, for then there is no such source any more.
 */
export async function sourceOfKernel(
  ctx: Context,
  { inputs }: Pick<Manifest, "inputs">,
): Promise<KernelSource | undefined> {
  const { source } = inputs;
  if (source !== LOCAL_TREE) return { source: String(source), tree: undefined };
  const folder = (await ctx.host.files.readText(lastTreeFile(ctx.folder)))?.trim() ?? "";
  if (folder === "") return undefined;
  const named = { source: `path:${folder}`, patches: inputs["patches"] === undefined ? [] : [""] };
  // A folder that is gone, or another one by now, is as good as none.
  const tree = await readSourceTree(ctx, named, { treeContent: true }).catch((error: unknown) => {
    if (error instanceof KdockError) return undefined;
    throw error;
  });
  ctx.signal.throwIfAborted();
  if (tree?.content?.digest !== inputs["source tree"]) return undefined;
  return { source: named.source, tree };
}
