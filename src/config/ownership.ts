/** A file's owner and permission bits, as far as the system has such. */
export interface Owned {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly target: string;
}

/** Who runs kdock: undefined where there are no users by number. */
export interface Person {
  readonly uid: number | undefined;
  /** Root's, where that came by sudo: who typed it. */
  readonly sudoUid: number | undefined;
}

const ROOT = 0;

/** What root owns, root could change in any case. */
export function isOwn(uid: number, person: Person): boolean {
  return [person.uid, person.sudoUid, ROOT].includes(uid);
}

export interface StateProblem {
  readonly message: string;
  readonly hint: string;
}

/** Why kdock must not keep its state in what is called `path`; undefined when it may. */
export function stateProblem(
  path: string,
  found: Owned | undefined,
  person: Person,
): StateProblem | undefined {
  if (found === undefined) return undefined;
  if (found.kind !== "directory") {
    return found.kind === "symlink"
      ? {
          message: `${path} is a link to ${found.target}, and kdock writes through no link there`,
          hint: `Remove the link (rm ${path}): kdock makes a folder. A bind mount puts that on another disk.`,
        }
      : { message: `${path} is no folder`, hint: `Remove it: kdock makes a folder.` };
  }
  if (person.uid === undefined) return undefined;
  if (!isOwn(found.uid, person)) {
    return {
      message: `${path} belongs to another user (uid ${found.uid}; kdock runs as ${person.uid})`,
      hint: `Remove it, or, where its content is to be trusted, take it over: chown -R ${person.uid} ${path}`,
    };
  }
  // A group of its owner's own has the owner's number, where systems give each user one.
  const isOpen =
    (found.mode & 0o002) !== 0 || ((found.mode & 0o020) !== 0 && found.gid !== found.uid);
  if (!isOpen) return undefined;
  return {
    message: `others may write to ${path} (mode ${found.mode.toString(8)}), which holds what kdock runs`,
    hint: `Take that from them: chmod -R go-w ${path}`,
  };
}
