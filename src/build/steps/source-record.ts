import type { ExportedTree } from "../plan/gdb-script.js";
import { FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../plan/plan.js";
import { EXPORT_MARKER, exportedObjects } from "../plan/exported-tree.js";
import { type Context, inProject } from "../../core/steps/context.js";

interface SourceRecord {
  /** Absolute. */
  readonly path: string;
}

/** The local tree, or the folder of the last `kdock source export`; undefined if that was moved or removed. */
export async function exportedTree(
  ctx: Context,
  { kernel }: Pick<Plan, "kernel">,
): Promise<ExportedTree | undefined> {
  const { files } = ctx.host;
  // A local tree is not exported.
  const own = kernel.tree?.folder;
  if (own !== undefined) return { source: own, objects: exportedObjects(own) };
  const text = await files.readText(inProject(ctx, FOLDER.sourceExport));
  if (text === undefined) return undefined;
  const { path } = JSON.parse(text) as SourceRecord;
  if (!(await files.exists(`${path}/${EXPORT_MARKER}`))) return undefined;
  return { source: path, objects: exportedObjects(path) };
}

export async function recordExport(ctx: Context, path: string): Promise<void> {
  const record: SourceRecord = { path };
  await ctx.host.files.writeAtomic(
    inProject(ctx, FOLDER.sourceExport),
    `${JSON.stringify(record, undefined, 2)}\n`,
  );
}
