import { z } from "zod";
import { scriptArguments } from "../../build/plan/debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";
import { FailedEvent } from "./trap.js";

/** Breakpoints of a session: images/gdb/kdock/debug.py reads them as JSON from the environment variable DEBUG_VARIABLE. */
export interface DebugRequest {
  /** "127.0.0.1:1234" */
  readonly target: string;
  /** Functions, file.c:line, file.c:function, function+offset or *address. */
  readonly stops: readonly string[];
  readonly condition: string | null;
}

export const DEBUG_VARIABLE = "KDOCK_DEBUG";

/** gdb's arguments: set breakpoints and run the user's scripts, continue to the first stop, then the user's arguments. */
export function debugArguments(
  scripts: readonly string[],
  gdbArguments: readonly string[],
): readonly string[] {
  return [
    ...["-nx", "-q", "-x", INSIDE.gdbSettings, "-x", INSIDE.gdbDebug, ...scriptArguments(scripts)],
    ...["-ex", "kdock-armed", "-ex", "continue"],
    ...gdbArguments,
  ];
}

const DebugEvent = z.discriminatedUnion("event", [
  /** The breakpoints are set; the guest continues next. */
  z.object({ event: z.literal("armed") }),
  /** The first stop after "armed", for any reason. */
  z.object({ event: z.literal("stopped") }),
  FailedEvent,
]);

export type DebugEvent = z.infer<typeof DebugEvent>;

/** They enclose an event in gdb's output. */
const BEGIN = Buffer.from("\x1b]kdock;");
const END = Buffer.from("\x07");

/** Removes the events from gdb's output and passes them to `onEvent`; chunks may be split anywhere. Throws for an unknown event. */
export async function* withoutEvents(
  output: AsyncIterable<Uint8Array>,
  onEvent: (event: DebugEvent) => void,
): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of output) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const begin = eventStart(held);
      if (begin > 0) yield held.subarray(0, begin);
      held = held.subarray(begin);
      const end = held.indexOf(END);
      if (!held.subarray(0, BEGIN.length).equals(BEGIN) || end < 0) break;
      onEvent(DebugEvent.parse(JSON.parse(held.subarray(BEGIN.length, end).toString())));
      held = held.subarray(end + END.length);
    }
  }
  if (held.length > 0) yield held;
}

/** The offset of an event, or of an incomplete BEGIN at the end; else the length. */
function eventStart(bytes: Buffer): number {
  const whole = bytes.indexOf(BEGIN);
  if (whole >= 0) return whole;
  for (let length = Math.min(BEGIN.length - 1, bytes.length); length > 0; length -= 1) {
    if (bytes.subarray(-length).equals(BEGIN.subarray(0, length))) return bytes.length - length;
  }
  return bytes.length;
}
