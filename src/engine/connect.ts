import type { ConnectOptions } from "./connect-options.js";
import type { Engine } from "./engine.js";
import { findEngine } from "./find-engine.js";

/**
 * See `findEngine`. Call it only when an engine is needed: it loads dockerode, which takes a good part of a second with
 * its 71 packages, and which must not be imported statically for that reason.
 */
export async function connectEngine(options: ConnectOptions): Promise<Engine> {
  const [{ DockerEngine }, found] = await Promise.all([
    import("./docker-engine.js"),
    findEngine(options),
  ]);
  return new DockerEngine(found, options.onLeak);
}
