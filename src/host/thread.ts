import { on } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, KdockError } from "../core/errors.js";
import type { HostFiles } from "./host.js";

/** The exports of a module for a worker thread. The request and all values must support structured cloning. */
export interface ThreadModule {
  readonly work: (files: HostFiles, request: unknown) => AsyncIterable<unknown>;
}

/** A message from a thread. */
export type ThreadMessage =
  | { readonly kind: "yielded"; readonly value: unknown }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

const ENTRY = new URL("thread-entry.js", import.meta.url);

/**
 * See Host: the thread starts at once. Runs in this thread if kdock runs from its TypeScript sources, since Node 20 loads no
 * TypeScript in a worker.
 */
export function inThread(module: URL, request: unknown, signal: AbortSignal): AsyncGenerator {
  if (!module.pathname.endsWith(".js")) return inThisThread(module, request);
  signal.throwIfAborted();
  const worker = new Worker(ENTRY, { workerData: { module: module.href, request } });
  // Also if no further value is requested.
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
  messages: AsyncIterable<unknown[]>,
  signal: AbortSignal,
): AsyncGenerator {
  try {
    for await (const [message] of messages) yield valueOf(message as ThreadMessage);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await worker.terminate();
  }
}

function valueOf(message: ThreadMessage): unknown {
  if (message.kind === "yielded") return message.value;
  const { code, message: text, hint } = message;
  throw new KdockError(code, text, hint === undefined ? {} : { hint });
}
