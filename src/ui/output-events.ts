import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Reporter } from "./reporter.js";

/** With --json the guest's output becomes events, so that stdout has one JSON object per line. */
export function outputEvents(
  reporter: Reporter,
  stream: "stdout" | "stderr",
  to: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean },
): Writable {
  const decoder = new StringDecoder("utf8");
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = decoder.write(chunk);
      if (text !== "") reporter.emit({ type: "output", stream, text });
      if (to.writableNeedDrain === true) whenDrained(to, done);
      else done();
    },
  });
}

/** Also after the reader has closed the stream, which is reported elsewhere. */
function whenDrained(to: NodeJS.WritableStream, done: () => void): void {
  const events = ["drain", "close", "error"] as const;
  const go = () => {
    for (const event of events) to.off(event, go);
    done();
  };
  for (const event of events) to.on(event, go);
}
