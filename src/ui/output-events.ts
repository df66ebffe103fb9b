import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Reporter } from "./reporter.js";

/** With --json the guest's output travels as events, so that stdout stays one JSON object a line. */
export function outputEvents(reporter: Reporter, stream: "stdout" | "stderr"): Writable {
  const decoder = new StringDecoder("utf8");
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = decoder.write(chunk);
      if (text !== "") reporter.emit({ type: "output", stream, text });
      done();
    },
  });
}
