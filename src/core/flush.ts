import { setImmediate as turn } from "node:timers/promises";
import type { World } from "./world.js";

/**
 * Resolves when all output has been written or has failed, and an error has reached the stream's listeners. Resolves at once
 * when the command is interrupted: a reader that has stopped reading must not delay its end.
 */
export async function flushOutput({
  stdout,
  stderr,
  signal,
}: Pick<World, "stdout" | "stderr" | "signal">): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
  await Promise.race([Promise.all([written(stdout), written(stderr)]), aborted]);
  // A stream emits a write's error after the write's callback.
  await turn();
}

function written(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => {
      resolve();
    });
  });
}
