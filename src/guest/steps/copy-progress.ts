import { Transform } from "node:stream";
import type { GuestContext } from "./guest-context.js";

export interface CopyResult {
  readonly from: string;
  readonly to: string;
  /** Files, links and folders. */
  readonly entries: number;
  /** Of the files' contents. */
  readonly bytes: number;
  /** What could not be copied of a folder. The rest is there. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  /** Relative to what was copied. */
  readonly path: string;
  readonly why: string;
}

/** Called with the bytes that have passed, and how many there will be where that is known. */
export type Tell = (done: number, total: number | undefined) => void;

const STEP = "cp";
const TELL_EVERY_BYTES = 8e6;

/** Tells of copies that take a while: small ones are done before anybody could read of them. */
export class CopyProgress {
  readonly #reporter: GuestContext["reporter"];
  readonly #startedAt = performance.now();
  #told = 0;

  constructor({ reporter }: Pick<GuestContext, "reporter">) {
    this.#reporter = reporter;
  }

  readonly tell: Tell = (done, total) => {
    if (done - this.#told < TELL_EVERY_BYTES) return;
    if (this.#told === 0) {
      this.#reporter.emit({ type: "step-started", step: STEP, title: "copying" });
    }
    this.#told = done;
    this.#reporter.emit({ type: "progress", step: STEP, done, total, unit: "bytes", about: false });
  };

  end(isWhole: boolean): void {
    if (this.#told === 0) return;
    const ms = performance.now() - this.#startedAt;
    this.#reporter.emit(
      isWhole
        ? { type: "step-done", step: STEP, cached: false, ms, summary: undefined }
        : { type: "step-failed", step: STEP, tail: [], logFile: undefined },
    );
  }
}

/** Passes bytes on and tells how many. */
export function counted(tell: Tell, total: number | undefined): Transform & { bytes: number } {
  const counter = Object.assign(
    new Transform({
      highWaterMark: 1 << 18,
      transform(chunk: Uint8Array, _encoding, done) {
        counter.bytes += chunk.byteLength;
        tell(counter.bytes, total);
        done(null, chunk);
      },
    }),
    { bytes: 0 },
  );
  return counter;
}
