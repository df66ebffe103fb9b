import { describe, expect, it } from "vitest";
import {
  type DebugEvent,
  debugArguments,
  withoutEvents,
} from "../../../../src/debug/plan/debug.js";

async function read(chunks: readonly string[]) {
  const events: DebugEvent[] = [];
  const shown: string[] = [];
  const output = (async function* () {
    for (const chunk of chunks) yield Promise.resolve(Buffer.from(chunk));
  })();
  for await (const piece of withoutEvents(output, (event) => events.push(event))) {
    shown.push(piece.toString());
  }
  return { events, shown: shown.join("") };
}

const ARMED = '\x1b]kdock;{"event":"armed"}\x07';
const STOPPED = '\x1b]kdock;{"event":"stopped"}\x07';

describe("withoutEvents", () => {
  it("removes events from gdb's output and passes them on", async () => {
    const { events, shown } = await read([`one${ARMED}two\r\n${STOPPED}${ARMED}`, "three"]);
    expect(shown).toBe("onetwo\r\nthree");
    expect(events.map(({ event }) => event)).toEqual(["armed", "stopped", "armed"]);
  });

  it("handles events that are split anywhere", async () => {
    const text = `\x1b[1mone\x1b[0m${ARMED}two\x1b]0;title\x07${STOPPED}end`;
    for (let size = 1; size < 12; size += 1) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const { events, shown } = await read(chunks);
      expect(shown).toBe("\x1b[1mone\x1b[0mtwo\x1b]0;title\x07end");
      expect(events).toEqual([{ event: "armed" }, { event: "stopped" }]);
    }
  });

  it("keeps an incomplete event at the end as output", async () => {
    const { events, shown } = await read(["one\x1b]kd"]);
    expect(shown).toBe("one\x1b]kd");
    expect(events).toEqual([]);
  });

  it("passes on errors about a place", async () => {
    const failed = {
      event: "error",
      kind: "unknown-function",
      message: "this kernel has no function tcp_v4_rvc",
      near: ["tcp_v4_rcv"],
    };
    const { events } = await read([`\x1b]kdock;${JSON.stringify(failed)}\x07`]);
    expect(events).toEqual([failed]);
  });
});

describe("debugArguments", () => {
  it("appends the user's arguments after the continue to the first stop", () => {
    const all = debugArguments(["/home/ada/my.gdb"], ["-batch", "-ex", "bt"]);
    expect(all.slice(-7)).toEqual(["-ex", "kdock-armed", "-ex", "continue", "-batch", "-ex", "bt"]);
    expect(all.join(" ")).toContain("/kdock/debug.py -x /in/1-my.gdb -ex kdock-armed");
  });
});
