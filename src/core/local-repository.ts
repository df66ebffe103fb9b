export interface LocalRepository {
  /** Absolute, links resolved: the folder .git of a checkout. */
  readonly folder: string;
  /** Absolute: object folders of other repositories (objects/info/alternates). */
  readonly alternates: readonly string[];
  /** A worktree's own HEAD: "refs/heads/…", or a commit. */
  readonly head?: string | undefined;
}

/** The repository at an absolute path: of a checkout, a worktree, or a bare one; undefined if there is none. */
export type RepositoryAt = (path: string) => Promise<LocalRepository | undefined>;
