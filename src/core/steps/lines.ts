import { StringDecoder } from "node:string_decoder";
import type { LogFile } from "../../host/host.js";

/** What no honest line of a log or of JSON exceeds. */
const MAX_LINE = 1 << 20;

/**
 * The lines of a stream of bytes, without their ends; the last one also when nothing ends it. Fails when the stream
 * does, which `readline` would not tell. A line that is longer than `max` characters comes in pieces of that length.
 */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  max = MAX_LINE,
): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of bytes) {
    // What is there has no end of line, and is not looked at again.
    const parts = decoder.write(Buffer.from(chunk)).split("\n");
    parts[0] = rest + (parts[0] ?? "");
    rest = parts.pop() ?? "";
    for (const part of parts) yield* pieces(part.replace(/\r+$/, ""), max);
    while (rest.length > max) {
      yield rest.slice(0, max);
      rest = rest.slice(max);
    }
  }
  rest += decoder.end();
  if (rest !== "") yield* pieces(rest.replace(/\r+$/, ""), max);
}

function* pieces(line: string, max: number): Generator<string> {
  if (line.length <= max) yield line;
  else for (let at = 0; at < line.length; at += max) yield line.slice(at, at + max);
}

/** Keeps what a stream says, to its end. */
export async function logLines(bytes: AsyncIterable<Uint8Array>, log: LogFile): Promise<void> {
  for await (const line of linesOf(bytes)) log.write(line);
}
