import { createHash } from "node:crypto";

/** The size in bytes and the sha256 (hexadecimal) of a stream that has ended. */
export interface StreamFacts {
  readonly size: number;
  readonly sha256: string;
}

/** A stage for `pipeline` that passes bytes through. Call `facts` once, after the pipeline has ended. */
export function measuredStream(): {
  readonly through: (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;
  readonly facts: () => StreamFacts;
} {
  const hash = createHash("sha256");
  let size = 0;
  return {
    async *through(chunks) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.byteLength;
        yield chunk;
      }
    },
    facts: () => ({ size, sha256: hash.digest("hex") }),
  };
}
