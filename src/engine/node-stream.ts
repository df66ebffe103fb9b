import { Duplex, Readable } from "node:stream";
import { KdockError } from "../core/errors.js";

/** What dockerode types as `NodeJS.ReadableStream`: the body of an answer. */
export function asReadable(stream: unknown): Readable {
  if (stream instanceof Readable) return stream;
  throw new Error("the engine's answer is no stream");
}

/**
 * A connection that was handed over. When the engine, or a proxy before it, answers without handing it over,
 * docker-modem gives a stand-in whose `end()` cuts the output off.
 */
export function asConnection(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new KdockError("engine", "the engine did not hand over the connection to the container", {
    hint: "Set DOCKER_HOST to the engine itself, not to an HTTP proxy before it.",
  });
}
