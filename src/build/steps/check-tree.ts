import { KdockError } from "../../core/errors.js";
import type { BuildPlan } from "../plan/build-plan.js";

/** Throws a `config` error for a local tree with files of an in-tree build: kbuild then refuses an objects folder (O=). */
export function checkTree({ tree }: BuildPlan): void {
  const leftovers = tree?.content?.leftovers ?? [];
  if (tree === undefined || leftovers.length === 0) return;
  const config = leftovers.includes(".config")
    ? ` Copy its .config first if you need it; kernel.preset: file:PATH builds with it.`
    : "";
  throw new KdockError(
    "config",
    `kernel.source: ${tree.folder} has files of an in-tree build: ${leftovers.join(", ")}`,
    { hint: `\`make -C ${tree.folder} mrproper\` cleans it.${config}` },
  );
}
