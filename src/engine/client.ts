import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { addAbortSignal, type Duplex, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KdockError } from "../core/errors.js";
import { EngineRefusal, UploadFailure } from "./engine-error.js";

/** Where the engine listens, as node:http takes it: a socket, a host and port, or an agent that connects. */
export type Address = Pick<RequestOptions, "agent" | "host" | "port" | "protocol" | "socketPath">;

export interface Call {
  readonly method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  readonly path: string;
  /** What is no string is sent as JSON; undefined is left out. */
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly json?: object | undefined;
  /** An archive. It is read to its end or destroyed. */
  readonly body?: Readable;
  /** Called with the bytes of `body` so far. */
  readonly onProgress?: (sent: number) => void;
  /** Ends the request and its answer; not a connection that `upgrade` has handed over. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * HTTP as the engine speaks it, over node:http alone. Its calls reject when the engine refuses, when the connection is
 * lost before the end of the answer, when `body` fails, and when the signal says so; none of them waits for ever then.
 */
export class EngineClient {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  /** Resolves with the response once its head has arrived; the caller must read it to its end or destroy it. */
  async open(call: Call): Promise<IncomingMessage> {
    const { body, signal } = call;
    const outgoing = this.#request(call);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      // `on`: a request may fail a second time, when its answer is given up.
      outgoing.once("response", resolve).on("error", reject);
      if (body === undefined) outgoing.end(jsonOf(call));
      else upload(body, outgoing, call.onProgress, reject);
    });
    if (signal !== undefined) addAbortSignal(signal, answer);
    if (isSuccess(answer)) return answer;
    throw await refusal(answer);
  }

  /** The answer's value, or its text where it is no JSON ("OK" of a ping, nothing at all of a start). */
  async call(call: Call): Promise<unknown> {
    const text = await textOf(await this.open(call));
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  /** The connection itself, which the engine hands over to a container or a command in it. */
  upgrade(call: Call): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#request(call, { connection: "Upgrade", upgrade: "tcp" });
      outgoing.on("error", reject);
      outgoing.once("upgrade", (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      outgoing.once("response", (answer: IncomingMessage) => {
        if (!isSuccess(answer)) {
          refusal(answer).then(reject, reject);
          return;
        }
        answer.destroy();
        reject(notHandedOver());
      });
      outgoing.end(jsonOf(call));
    });
  }

  #request({ method, path, query, json, body, signal }: Call, headers = {}): ClientRequest {
    const type = body === undefined ? "application/json" : "application/x-tar";
    return request({
      ...this.#address,
      ...{ method, path: withQuery(path, query) },
      headers: {
        ...headers,
        ...(json === undefined && body === undefined ? {} : { "content-type": type }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** Rejects when the connection is lost before the end. */
export async function textOf(answer: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

/** A failure of `body` is one of the request, or of the answer where that has begun. */
function upload(
  body: Readable,
  outgoing: ClientRequest,
  onProgress: ((sent: number) => void) | undefined,
  reject: (failure: UploadFailure) => void,
): void {
  let fail = reject;
  outgoing.once("response", (answer: IncomingMessage) => {
    fail = (failure) => answer.destroy(failure);
    // An engine that has said all it had to say reads no more.
    answer.once("close", () => {
      if (!outgoing.writableFinished) outgoing.destroy();
    });
  });
  outgoing.once("close", () => {
    body.destroy();
  });
  const failed = (cause: unknown) => {
    const failure = new UploadFailure(cause);
    // First: cut off, the request fails for another reason.
    fail(failure);
    outgoing.destroy(failure);
  };
  // At once, even when the engine reads nothing at the time.
  body.once("error", failed);
  const chunks = async function* () {
    let sent = 0;
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        yield chunk;
        sent += chunk.length;
        onProgress?.(sent);
      }
    } catch (cause) {
      failed(cause);
      throw cause;
    }
  };
  // Told already: by `failed`, or by the request's own "error".
  pipeline(chunks, outgoing).catch(() => undefined);
}

function isSuccess({ statusCode = 500 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function refusal(answer: IncomingMessage): Promise<EngineRefusal> {
  return new EngineRefusal(answer.statusCode ?? 500, await textOf(answer));
}

function notHandedOver(): KdockError {
  return new KdockError("engine", "the engine did not hand over the connection to the container", {
    hint: "Set DOCKER_HOST to the engine itself, not to an HTTP proxy before it.",
  });
}

function jsonOf({ json }: Call): string {
  return json === undefined ? "" : JSON.stringify(json);
}

function withQuery(path: string, query: Call["query"] = {}): string {
  const texts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    texts.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return texts.size === 0 ? path : `${path}?${texts.toString()}`;
}
