import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * A body on its way to the engine. docker-modem sends it with a bare `pipe()`, which waits for ever when the source is
 * destroyed; so the source's failure aborts `signal`, its reason being that failure, and with it the request.
 * Disposing ends the source too, which a request that fails early would leave open.
 */
export class Upload implements Disposable {
  readonly body = new PassThrough();
  readonly signal: AbortSignal;
  #done = false;

  constructor(source: Readable, signal?: AbortSignal, onProgress?: (sent: number) => void) {
    const failed = new AbortController();
    this.signal = AbortSignal.any([failed.signal, ...(signal === undefined ? [] : [signal])]);
    // The failure is told through the signal; without a listener it would end the process as well.
    this.body.on("error", () => undefined);
    pipeline(source, counted(onProgress), this.body).catch((error: unknown) => {
      if (!this.#done) failed.abort(error);
    });
  }

  [Symbol.dispose](): void {
    this.#done = true;
    this.body.destroy();
  }
}

function counted(onProgress: ((sent: number) => void) | undefined) {
  return async function* (chunks: AsyncIterable<Uint8Array>) {
    let sent = 0;
    for await (const chunk of chunks) {
      yield chunk;
      sent += chunk.length;
      onProgress?.(sent);
    }
  };
}
