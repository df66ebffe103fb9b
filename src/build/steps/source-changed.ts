import { KdockError } from "../../core/errors.js";

/** Paths in the message. */
const NAMED = 3;

/** A source was changed during its build: the artifacts match no known source. */
export class SourceChangedError extends KdockError {
  constructor(folder: string, paths: readonly string[]) {
    super(
      "build",
      `${namesOf(folder, paths)} changed during the build, so its output is discarded`,
      {
        hint: "Build again when nothing writes to the tree; `git worktree add` creates a copy to build from meanwhile.",
      },
    );
  }
}

function namesOf(folder: string, paths: readonly string[]): string {
  const named = paths.filter((path) => path !== "").slice(0, NAMED);
  if (named.length === 0) return folder;
  const more = paths.length - named.length;
  return `${named.join(", ")}${more === 0 ? "" : ` and ${more} more`} (${folder})`;
}
