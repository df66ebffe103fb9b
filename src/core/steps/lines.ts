import { StringDecoder } from "node:string_decoder";
import type { LogFile } from "../../host/host.js";

/** Longer than any valid line of a log or of JSON. */
const MAX_LINE = 1 << 20;

/**
 * The lines of a stream of bytes, without line ends; also the last one if it is not ended. Throws the stream's error, unlike
 * `readline`. A line longer than `max` characters is split into pieces of that length.
 */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  max = MAX_LINE,
): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of bytes) {
    // The rest has no end of line: it is not searched again.
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

/** Writes the lines of a stream to a log, until it ends. */
export async function logLines(bytes: AsyncIterable<Uint8Array>, log: LogFile): Promise<void> {
  for await (const line of linesOf(bytes)) log.write(line);
}
