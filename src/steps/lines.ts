import { StringDecoder } from "node:string_decoder";
import type { LogFile } from "../host/host.js";

/**
 * The lines of a stream of bytes, without their ends; the last one also when nothing ends it. Fails when the stream
 * does, which `readline` would not tell.
 */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of bytes) {
    const parts = (rest + decoder.write(Buffer.from(chunk))).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield part.replace(/\r+$/, "");
  }
  rest += decoder.end();
  if (rest !== "") yield rest.replace(/\r+$/, "");
}

/** Keeps what a stream says, to its end. */
export async function logLines(bytes: AsyncIterable<Uint8Array>, log: LogFile): Promise<void> {
  for await (const line of linesOf(bytes)) log.write(line);
}
