import type { Duplex } from "node:stream";

/** Resolves when the other end has heard of it, which on Podman it has to before kdock ends. */
export function hangUp(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    stream.once("close", resolve);
    stream.destroy();
  });
}
