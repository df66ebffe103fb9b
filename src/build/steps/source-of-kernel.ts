import { KdockError } from "../../core/errors.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { LOCAL_TREE } from "../plan/tree-plan.js";
import type { SourceTree } from "../plan/user-files.js";
import type { Context } from "../../core/steps/context.js";
import { readSourceTree } from "./read-source-tree.js";
import { lastTreeFile } from "../../tree/steps/tree-paths.js";

export interface KernelSource {
  /** In the notation of kdock.yaml. */
  readonly source: string;
  readonly tree: SourceTree | undefined;
}

/**
 * The source of a built kernel. A manifest does not contain the path of a local tree: the tree that was scanned last is used if
 * it has the same content; undefined if not, since the source does not exist any more.
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
  // The folder may have been removed or replaced.
  const tree = await readSourceTree(ctx, named, { treeContent: true }).catch((error: unknown) => {
    if (error instanceof KdockError) return undefined;
    throw error;
  });
  ctx.signal.throwIfAborted();
  if (tree?.content?.digest !== inputs["source tree"]) return undefined;
  return { source: named.source, tree };
}
