import type { DebugProtocol } from "@vscode/debugprotocol";
import { KdockError } from "../../core/errors.js";

/** A request, a response or an event. Their fields beyond `seq` and `type` are passed on as they are. */
export type DapMessage = Readonly<DebugProtocol.ProtocolMessage>;

const HEADER_END = Buffer.from("\r\n\r\n");
/** No debugger says as much in one message; what claims to is no message. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The messages of a stream: a header with the length in bytes, an empty line, JSON. Rejects with a `usage` error when the
 * other side speaks something else; ends with the stream.
 */
export async function* dapMessages(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<DapMessage> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const taken = takeMessage(rest);
      if (taken === undefined) break;
      rest = taken.rest;
      yield taken.message;
    }
  }
}

function takeMessage(buffer: Buffer): { message: DapMessage; rest: Buffer } | undefined {
  const end = buffer.indexOf(HEADER_END);
  if (end < 0) return undefined;
  const header = buffer.toString("latin1", 0, end);
  const length = Number(/^content-length: *(\d+) *$/im.exec(header)?.[1] ?? "NaN");
  if (!(length <= MAX_BYTES)) throw notDap(header);
  const begin = end + HEADER_END.length;
  if (buffer.length < begin + length) return undefined;
  const text = buffer.toString("utf8", begin, begin + length);
  try {
    return { message: JSON.parse(text) as DapMessage, rest: buffer.subarray(begin + length) };
  } catch {
    throw notDap(text);
  }
}

function notDap(text: string): KdockError {
  return new KdockError("usage", `this is no Debug Adapter Protocol: ${text.slice(0, 80)}`, {
    hint: "`kdock dap` is for editors; `kdock gdb` is for people.",
  });
}

export function encodeDap(message: DapMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** The message with every path below `from` moved below `to`; names that only begin alike stay. */
export function withPaths(message: DapMessage, from: string, to: string): DapMessage {
  return moved(message, from, to) as DapMessage;
}

function moved(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((each) => moved(each, from, to));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === "path" && typeof each === "string" && (each === from || each.startsWith(`${from}/`))
        ? to + each.slice(from.length)
        : moved(each, from, to),
    ]),
  );
}
