import { readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { inThread } from "../host/thread.js";
import { lastTreeFile, SCAN_MODULE, treePlace } from "./steps/tree-paths.js";
import type { SpeculativeScan, ScanRequest } from "../core/speculative-scan.js";

/**
 * Starts a scan of the tree that the project was last built from, in a worker thread. It takes as long as loading the rest of
 * kdock, and runs in parallel. Returns undefined if there is no such tree.
 */
export function beginScan(configPath: string, signal: AbortSignal): SpeculativeScan | undefined {
  const last = lastScan(configPath);
  if (last === undefined) return undefined;
  const stop = new AbortController();
  const messages = inThread(SCAN_MODULE, last, AbortSignal.any([signal, stop.signal]));
  // The scan is taken or cancelled once; later readers start their own.
  let isDecided = false;
  const cancel = () => {
    if (isDecided) return;
    isDecided = true;
    stop.abort();
    void messages.return(undefined);
  };
  return {
    cancel,
    take(wanted, taker) {
      if (isDecided) return undefined;
      if (wanted.folder !== last.folder || wanted.place.newest !== last.place.newest) {
        cancel();
        return undefined;
      }
      isDecided = true;
      const end = () => {
        stop.abort(taker.reason);
      };
      if (taker.aborted) end();
      else taker.addEventListener("abort", end, { once: true });
      return messages;
    },
  };
}

function lastScan(configPath: string): ScanRequest | undefined {
  try {
    const project = realpathSync(dirname(configPath));
    const folder = readFileSync(lastTreeFile(project), "utf8").trim();
    return { folder, place: treePlace(project, folder) };
  } catch {
    // No tree or no project: opening the project reports that.
    return undefined;
  }
}
