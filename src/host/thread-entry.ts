import { parentPort, workerData } from "node:worker_threads";
import { KdockError } from "../core/errors.js";
import { nodeFiles } from "./node-files.js";
import type { ThreadModule, ThreadMessage } from "./thread.js";

/** The entry module of worker threads; see `inThread`. An error that is not a KdockError ends the thread, as a bug. */
const { module, request } = workerData as { readonly module: string; readonly request: unknown };
const post = (message: ThreadMessage) => parentPort?.postMessage(message);

try {
  const { work } = (await import(module)) as ThreadModule;
  for await (const value of work(nodeFiles, request)) post({ kind: "yielded", value });
} catch (error) {
  if (!(error instanceof KdockError)) throw error;
  const { code, message, hint } = error;
  post({ kind: "failed", code, message, hint });
}
