import { readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { inThread } from "../host/thread.js";
import { lastTreeFile, LOOK_MODULE, treePlace } from "./steps/tree-look.js";
import type { SpeculativeScan, TreeLook } from "../core/speculative-scan.js";

/**
 * Starts a scan of the tree that the project was last built from, in a thread. It takes as long as loading the rest of kdock,
 * and runs beside it. Undefined where there is no such tree.
 */
export function beginScan(configPath: string, signal: AbortSignal): SpeculativeScan | undefined {
  const look = lastLook(configPath);
  if (look === undefined) return undefined;
  const stop = new AbortController();
  const notes = inThread(LOOK_MODULE, look, AbortSignal.any([signal, stop.signal]));
  // The scan is taken or cancelled once; later readers start their own.
  let isDecided = false;
  const cancel = () => {
    if (isDecided) return;
    isDecided = true;
    stop.abort();
    void notes.return(undefined);
  };
  return {
    cancel,
    take(wanted, taker) {
      if (isDecided) return undefined;
      if (wanted.folder !== look.folder || wanted.place.newest !== look.place.newest) {
        cancel();
        return undefined;
      }
      isDecided = true;
      const end = () => {
        stop.abort(taker.reason);
      };
      if (taker.aborted) end();
      else taker.addEventListener("abort", end, { once: true });
      return notes;
    },
  };
}

function lastLook(configPath: string): TreeLook | undefined {
  try {
    const project = realpathSync(dirname(configPath));
    const folder = readFileSync(lastTreeFile(project), "utf8").trim();
    return { folder, place: treePlace(project, folder) };
  } catch {
    // No tree, or no project at all: opening the project reports that.
    return undefined;
  }
}
