export interface LocalRepository {
  /** Absolute, by its real name: what a checkout calls .git. */
  readonly folder: string;
  /** Absolute: other repositories' objects that it relies on. */
  readonly alternates: readonly string[];
  /** Of a worktree, whose HEAD is not the repository's: "refs/heads/…", or a commit. */
  readonly head?: string | undefined;
}

/** The repository of an absolute path: of a checkout, a worktree, or a bare one; undefined when there is none. */
export type RepositoryAt = (path: string) => Promise<LocalRepository | undefined>;
