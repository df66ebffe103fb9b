import type { IncomingMessage } from "node:http";
import { addAbortSignal, type Readable } from "node:stream";
import type Docker from "dockerode";
import type { Modem } from "./careful-modem.js";

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
  const modem = docker.modem as Modem;
  const { method, path, query, body, signal } = request;
  signal.throwIfAborted();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      method,
      path: `${path}?`,
      // `_body` empty: the query would be sent as a JSON body too.
      options: { _query: { ...query }, _body: {} },
      file: body,
      abortSignal: signal,
      isStream: true,
      statusCodes: { 200: true },
    };
    modem.dial(options, (error, answer) => {
      if (error === null || error === undefined) resolve(answer as IncomingMessage);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as thrown; the caller translates
      else reject(error);
    });
  });
  return addAbortSignal(signal, response);
}
