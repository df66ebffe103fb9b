import type { TreePlace } from "../../core/speculative-scan.js";
import { sha256 } from "../../core/plan/keys.js";
import { FOLDER } from "../../core/plan/names.js";

/** The worker threads' modules, with the same ending as this one: .ts in tests, .js in dist. */
export const SCAN_MODULE = moduleHere("scan-worker");
export const RECHECK_MODULE = moduleHere("recheck-worker");

function moduleHere(name: string): URL {
  return new URL(`${name}.${import.meta.url.endsWith(".js") ? "js" : "ts"}`, import.meta.url);
}

/** Both arguments are absolute: the project's folder, and the tree's. */
export function treePlace(project: string, folder: string): TreePlace {
  const state = `${project}/${FOLDER.trees}`;
  return { state, newest: `${state}/${sha256(folder).slice(0, 12)}.packed` };
}

/** Holds the folder of the tree that was scanned last. */
export function lastTreeFile(project: string): string {
  return `${project}/${FOLDER.trees}/last`;
}
