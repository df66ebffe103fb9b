import { KdockError } from "../../core/errors.js";

/** So many are named. */
const NAMED = 3;

/** Rejected with when a source was written to while it was built: what came out is of no known source. */
export class SourceChangedError extends KdockError {
  constructor(folder: string, paths: readonly string[]) {
    super("build", `${namesOf(folder, paths)} changed during the build, so nothing of it is kept`, {
      hint: "Build again when nothing writes to the tree; `git worktree add` makes a copy to build from meanwhile.",
    });
  }
}

function namesOf(folder: string, paths: readonly string[]): string {
  const named = paths.filter((path) => path !== "").slice(0, NAMED);
  if (named.length === 0) return folder;
  const more = paths.length - named.length;
  return `${named.join(", ")}${more === 0 ? "" : ` and ${more} more`} (${folder})`;
}
