import type { Call, EngineClient } from "./client.js";

/** The part of docker-modem that dockerode's methods with a short answer use. */
interface Modem {
  dial(asked: Asked, callback: (error: unknown, answer?: unknown) => void): void;
}

interface Asked {
  readonly method: Call["method"];
  /** Ends in "?" when the options are its query. */
  readonly path: string;
  readonly options?: Options;
  readonly abortSignal?: AbortSignal;
}

interface Options extends Query {
  /** Where query and body are not the same. */
  readonly _query?: Query;
  readonly _body?: object;
  readonly abortSignal?: AbortSignal;
}

type Query = Readonly<Record<string, unknown>>;

/**
 * dockerode's calls over kdock's own client, for dockerode's option `modem`. docker-modem's calls never settle when the
 * engine dies in the middle of a short answer or when an upload's source is destroyed, and it takes DOCKER_HOST from the
 * environment of the process.
 */
export function modemOver(client: EngineClient): Modem {
  return {
    dial(asked, callback) {
      client.call(callOf(asked)).then((answer) => {
        callback(null, answer);
      }, callback);
    },
  };
}

function callOf({ method, path, options = {}, ...asked }: Asked): Call {
  const { _query, _body, abortSignal = asked.abortSignal, ...rest } = options;
  const json = _body ?? rest;
  return {
    method,
    path: path.replace(/\?$/, ""),
    query: path.endsWith("?") ? (_query ?? rest) : undefined,
    json: method === "POST" && Object.keys(json).length > 0 ? json : undefined,
    signal: abortSignal,
  };
}
