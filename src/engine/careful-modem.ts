import type { Readable } from "node:stream";

/** The one method of docker-modem that dockerode's calls go through. */
export interface Modem {
  dial(options: DialOptions, callback: DialCallback): void;
}

export interface DialOptions {
  readonly path: string;
  readonly method: string;
  readonly isStream?: boolean;
  readonly [more: string]: unknown;
}

export type DialCallback = (error: unknown, answer: unknown) => void;

/**
 * docker-modem collects short answers with an "end" listener alone: when the engine dies in the middle of one, the call
 * never settles. This takes every answer as a stream and collects it where a lost connection is an error. For
 * dockerode's option `modem`.
 */
export function carefulModem(modem: Modem): Modem {
  return {
    dial: (options, callback) => {
      if (options.isStream === true) {
        modem.dial(options, callback);
        return;
      }
      modem.dial({ ...options, isStream: true }, (error, body) => {
        if (error !== null && error !== undefined) callback(error, undefined);
        else
          wholeAnswer(body as Readable).then(
            (answer) => {
              callback(null, answer);
            },
            (reason: unknown) => {
              callback(reason, undefined);
            },
          );
      });
    },
  };
}

async function wholeAnswer(body: Readable): Promise<unknown> {
  const text = await wholeText(body);
  try {
    return JSON.parse(text);
  } catch {
    // "OK" of a ping, nothing at all of a start.
    return text;
  }
}

/** Rejects when the connection is lost before the end. */
export async function wholeText(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}
