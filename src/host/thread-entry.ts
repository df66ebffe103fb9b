import { parentPort, workerData } from "node:worker_threads";
import { KdockError } from "../core/errors.js";
import { nodeFiles } from "./node-files.js";
import type { ThreadModule, ThreadWord } from "./thread.js";

/** The first module of every thread of kdock's; see `inThread`. Other errors than kdock's end the thread, as bugs. */
const { module, request } = workerData as { readonly module: string; readonly request: unknown };
const say = (word: ThreadWord) => parentPort?.postMessage(word);

try {
  const { work } = (await import(module)) as ThreadModule;
  for await (const value of work(nodeFiles, request)) say({ kind: "yielded", value });
} catch (error) {
  if (!(error instanceof KdockError)) throw error;
  const { code, message, hint } = error;
  say({ kind: "failed", code, message, hint });
}
