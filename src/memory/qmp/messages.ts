import { KdockError } from "../../core/errors.js";

/** A message from QEMU's monitor (QEMU Machine Protocol): one JSON object per line. */
export type QmpMessage =
  /** The first line of every connection. */
  | { readonly kind: "greeting"; readonly version: string }
  | { readonly kind: "return"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly description: string }
  | QmpEvent;

/** An asynchronous message about a change of the machine's state. */
export interface QmpEvent {
  readonly kind: "event";
  /** "STOP", "RESUME", "GUEST_PANICKED", "DUMP_COMPLETED" ... */
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

/** QEMU omits the id in an error about a command that it could not parse. */
const NO_ID = -1;

/** Throws a `vm` error for a line that is not a QMP message. */
export function readQmpLine(line: string): QmpMessage {
  const message = parse(line);
  const id = typeof message["id"] === "number" ? message["id"] : NO_ID;
  if (isObject(message["QMP"])) return { kind: "greeting", version: versionOf(message["QMP"]) };
  if ("return" in message) return { kind: "return", id, value: message["return"] };
  const { error, event, data } = message as { error?: unknown; event?: unknown; data?: unknown };
  if (isObject(error)) return { kind: "error", id, description: String(error["desc"]) };
  if (typeof event !== "string") throw notQmp(line);
  return { kind: "event", name: event, data: isObject(data) ? data : {} };
}

/** A command as a line. The response carries the same id. */
export function encodeQmp(command: string, args: Json, id: number): string {
  return `${JSON.stringify({ execute: command, arguments: args, id })}\n`;
}

function parse(line: string): Json {
  try {
    const value: unknown = JSON.parse(line);
    if (isObject(value)) return value;
  } catch {
    // Reported below.
  }
  throw notQmp(line);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** {"version": {"qemu": {"major": 10, "minor": 0, "micro": 2}}} → "10.0.2" */
function versionOf(greeting: Json): string {
  const version = isObject(greeting["version"]) ? greeting["version"]["qemu"] : undefined;
  if (!isObject(version)) return "unknown";
  return [version["major"], version["minor"], version["micro"]].join(".");
}

function notQmp(line: string): KdockError {
  return new KdockError("vm", `QEMU's monitor sent a line that is not QMP: ${line.slice(0, 80)}`);
}
