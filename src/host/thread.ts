import { on } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, KdockError } from "../core/errors.js";
import type { HostFiles } from "./host.js";

/** What a module is to export that runs in a thread of its own. What it is given and what it yields can be cloned. */
export interface ThreadModule {
  readonly work: (files: HostFiles, request: unknown) => AsyncIterable<unknown>;
}

/** What comes out of a thread. */
export type ThreadWord =
  | { readonly kind: "yielded"; readonly value: unknown }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

const ENTRY = new URL("thread-entry.js", import.meta.url);

/**
 * See Host: the thread begins at once. kdock that runs from its TypeScript sources has no threads, because Node 20 loads no
 * TypeScript into one.
 */
export function inThread(module: URL, request: unknown, signal: AbortSignal): AsyncGenerator {
  if (!module.pathname.endsWith(".js")) return inThisThread(module, request);
  signal.throwIfAborted();
  const worker = new Worker(ENTRY, { workerData: { module: module.href, request } });
  // Also where nobody asks for a value any more.
  const end = () => void worker.terminate();
  signal.addEventListener("abort", end, { once: true });
  worker.once("exit", () => {
    signal.removeEventListener("abort", end);
  });
  return valuesOf(worker, on(worker, "message", { signal, close: ["exit"] }), signal);
}

async function* inThisThread(module: URL, request: unknown): AsyncGenerator {
  const { work } = (await import(module.href)) as ThreadModule;
  const { nodeFiles } = await import("./node-files.js");
  yield* work(nodeFiles, request);
}

async function* valuesOf(
  worker: Worker,
  words: AsyncIterable<unknown[]>,
  signal: AbortSignal,
): AsyncGenerator {
  try {
    for await (const [word] of words) yield valueOf(word as ThreadWord);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await worker.terminate();
  }
}

function valueOf(word: ThreadWord): unknown {
  if (word.kind === "yielded") return word.value;
  throw new KdockError(word.code, word.message, word.hint === undefined ? {} : { hint: word.hint });
}
