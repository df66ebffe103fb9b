import type { Duplex } from "node:stream";

/**
 * Resolves when the connection is closed. On Podman the engine closes it, and a kdock that exits before resets it.
 */
export function hangUp(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    stream.once("close", resolve);
    stream.destroy();
  });
}
