import { KdockError } from "../../core/errors.js";
import type { BuildPlan } from "../plan/build-plan.js";

/** Rejects a local tree that somebody has built in: kbuild takes no other objects folder (O=) for such a one. */
export function checkTree({ tree }: BuildPlan): void {
  const leftovers = tree?.content?.leftovers ?? [];
  if (tree === undefined || leftovers.length === 0) return;
  const config = leftovers.includes(".config")
    ? ` Copy its .config first if you need it; kernel.preset: file:PATH builds with it.`
    : "";
  throw new KdockError(
    "config",
    `kernel.source: ${tree.folder} has been built in, and its files would get into the build: ${leftovers.join(", ")}`,
    { hint: `\`make -C ${tree.folder} mrproper\` cleans it.${config}` },
  );
}
