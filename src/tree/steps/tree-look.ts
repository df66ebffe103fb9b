import { sha256 } from "../../core/plan/keys.js";
import { FOLDER } from "../../core/plan/names.js";

/** Where a project keeps what it knows of a local tree. */
export interface TreePlace {
  /** Absolute: the folder with all that is kept, and with the notes of what was built from it and sent. */
  readonly state: string;
  /** Of the tree as it was seen last. */
  readonly newest: string;
}

/** What the thread is asked that looks at a tree. */
export interface TreeLook {
  /** Absolute, by its real name. */
  readonly folder: string;
  readonly place: TreePlace;
}

/** What the thread is asked that looks whether a tree is as it was. */
export interface TreeRecheck extends TreeLook {
  /** Of the tree then. */
  readonly digest: string;
}

/** A look that began before it was known which tree is meant. */
export interface EarlyLook {
  /**
   * What the look has to tell, where it is this one that is wanted; it is ended otherwise, and when the signal aborts. To
   * be called once.
   */
  take(wanted: TreeLook, signal: AbortSignal): AsyncIterator<unknown, unknown> | undefined;
  /** Ends it unless it was taken. */
  cancel(): void;
}

/** The threads' modules: TypeScript or not, as this one is. */
export const LOOK_MODULE = moduleHere("look-at-tree");
export const RECHECK_MODULE = moduleHere("recheck-tree");

function moduleHere(name: string): URL {
  return new URL(`${name}.${import.meta.url.endsWith(".js") ? "js" : "ts"}`, import.meta.url);
}

/** Both are absolute: the project's folder, and the tree's. */
export function treePlace(project: string, folder: string): TreePlace {
  const state = `${project}/${FOLDER.trees}`;
  return { state, newest: `${state}/${sha256(folder).slice(0, 12)}.packed` };
}

/** Names the tree that was looked at last. */
export function lastTreeFile(project: string): string {
  return `${project}/${FOLDER.trees}/last`;
}
