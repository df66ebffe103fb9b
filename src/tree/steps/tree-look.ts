import type { TreePlace } from "../../core/speculative-scan.js";
import { sha256 } from "../../core/plan/keys.js";
import { FOLDER } from "../../core/plan/names.js";

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
