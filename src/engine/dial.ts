import type { IncomingMessage } from "node:http";
import { addAbortSignal, type Duplex, type Readable } from "node:stream";
import type Docker from "dockerode";
import type { DialOptions, Modem } from "./careful-modem.js";
import { asConnection } from "./node-stream.js";

export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body?: Readable;
  readonly signal: AbortSignal;
}

/**
 * A request whose answer is read as a stream, for the three calls where dockerode's own method will not do:
 * - `buildImage` with version "2" opens a gRPC session that it closes only when the body is read to its end, so that a
 *   cut or aborted build leaves a server and a socket behind; kdock's builds need no session.
 * - `wait` settles with the exit only, and not when the engine has begun to watch for it.
 * - `logs` parses as JSON what a container happens to print as JSON.
 */
export async function dial(docker: Docker, request: Request): Promise<IncomingMessage> {
  const { method, path, query, body, signal } = request;
  signal.throwIfAborted();
  const response = await answerTo(docker, {
    method,
    path: `${path}?`,
    // `_body` empty: the query would be sent as a JSON body too.
    options: { _query: { ...query }, _body: {} },
    file: body,
    abortSignal: signal,
    isStream: true,
    statusCodes: { 200: true },
  });
  return addAbortSignal(signal, response as IncomingMessage);
}

/**
 * The connection itself, which the engine hands over in its answer. For `attach`: dockerode's own method sends a body,
 * and Podman takes it for the container's first input.
 */
export async function handOver(
  docker: Docker,
  { path, query }: Pick<Request, "path" | "query">,
): Promise<Duplex> {
  const connection = await answerTo(docker, {
    method: "POST",
    path: `${path}?`,
    options: { _query: { ...query } },
    // Not without one: it would be sent in chunks, and so is what ends them.
    file: Buffer.alloc(0),
    hijack: true,
    isStream: true,
    statusCodes: { 200: true },
  });
  return asConnection(connection);
}

function answerTo(docker: Docker, options: DialOptions): Promise<unknown> {
  const modem = docker.modem as Modem;
  return new Promise((resolve, reject) => {
    modem.dial(options, (error, answer) => {
      if (error === null || error === undefined) resolve(answer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as thrown; the caller translates
      else reject(error);
    });
  });
}
