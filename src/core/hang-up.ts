import type { Duplex } from "node:stream";

/**
 * Closes a connection, and resolves when it is closed. With Podman the engine closes it, and an exit of kdock before that resets
 * the connection.
 */
export function hangUp(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    stream.once("close", resolve);
    stream.destroy();
  });
}
