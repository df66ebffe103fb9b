import { describe, expect, it } from "vitest";
import { readQmpLine } from "../../../../src/memory/qmp/messages.js";
import { openQmp, type QmpSession } from "../../../../src/memory/qmp/session.js";

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob"]}}';

describe("what QEMU says", () => {
  it.each([
    [GREETING, { kind: "greeting", version: "10.0.2" }],
    ['{"return": {}, "id": 3}', { kind: "return", id: 3, value: {} }],
    [
      '{"id": 4, "error": {"class": "GenericError", "desc": "no such file"}}',
      { kind: "error", id: 4, description: "no such file" },
    ],
    [
      '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}',
      { kind: "event", name: "STOP", data: {} },
    ],
    [
      '{"event": "GUEST_PANICKED", "data": {"action": "pause"}}',
      { kind: "event", name: "GUEST_PANICKED", data: { action: "pause" } },
    ],
  ])("%s", (line, message) => {
    expect(readQmpLine(line)).toEqual(message);
  });

  it.each(["HTTP/1.1 400 Bad Request", "[]", '{"events": 1}', '{"event": 1}'])(
    "%s is no message",
    (line) => {
      expect(() => readQmpLine(line)).toThrow(/something else than QMP/);
    },
  );
});

/** QEMU's end: what it was told, and a way to make it speak. */
class Monitor {
  readonly told: { execute: string; arguments: unknown; id: number }[] = [];
  hungUp = false;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  say(line: unknown): void {
    this.#lines.push(typeof line === "string" ? line : JSON.stringify(line));
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield line;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  open(): Promise<QmpSession> {
    return openQmp({
      lines: this.lines(),
      write: (text) => {
        const command = JSON.parse(text) as (typeof this.told)[number];
        this.told.push(command);
        if (command.execute === "qmp_capabilities") this.say({ return: {}, id: command.id });
      },
      hangUp: () => (this.hungUp = true),
    });
  }
}

async function opened(): Promise<{ monitor: Monitor; session: QmpSession }> {
  const monitor = new Monitor();
  monitor.say(GREETING);
  return { monitor, session: await monitor.open() };
}

describe("a conversation", () => {
  it("begins with the capabilities, and knows QEMU's version", async () => {
    const { monitor, session } = await opened();
    expect(monitor.told.map(({ execute }) => execute)).toEqual(["qmp_capabilities"]);
    expect(session.version).toBe("10.0.2");
  });

  it("gives each command its own answer, in whichever order they come", async () => {
    const { monitor, session } = await opened();
    const one = session.execute("one", { a: 1 });
    const two = session.execute("two");
    monitor.say({ return: "second", id: monitor.told[2]?.id });
    monitor.say({ return: "first", id: monitor.told[1]?.id });
    expect(await Promise.all([one, two])).toEqual(["first", "second"]);
    expect(monitor.told[1]?.arguments).toEqual({ a: 1 });
  });

  it("says what QEMU refused, and goes on", async () => {
    const { monitor, session } = await opened();
    const refused = session.execute("dump-guest-memory");
    monitor.say({ error: { class: "GenericError", desc: "busy" }, id: monitor.told[1]?.id });
    await expect(refused).rejects.toThrow("QEMU refuses dump-guest-memory: busy");
    const next = session.execute("query-status");
    monitor.say({ return: { status: "running" }, id: monitor.told[2]?.id });
    expect(await next).toEqual({ status: "running" });
  });

  it("waits for the event that is asked for, and passes others by", async () => {
    const { monitor, session } = await opened();
    const completed = session.event("DUMP_COMPLETED");
    monitor.say({ event: "STOP" });
    monitor.say({ event: "DUMP_COMPLETED", data: { result: { status: "completed" } } });
    expect((await completed).data).toEqual({ result: { status: "completed" } });
  });

  it("rejects whatever is waited for when QEMU goes away, before and after", async () => {
    const { monitor, session } = await opened();
    const waiting = [session.execute("query-status"), session.event("STOP")];
    monitor.end();
    for (const each of waiting) await expect(each).rejects.toThrow(/monitor ended/);
    await expect(session.execute("query-status")).rejects.toMatchObject({ code: "vm" });
  });

  it("does not open on a connection that ends, or that speaks something else", async () => {
    const silent = new Monitor();
    silent.end();
    await expect(silent.open()).rejects.toThrow(/monitor ended/);
    const other = new Monitor();
    other.say("SSH-2.0-OpenSSH_9.2");
    await expect(other.open()).rejects.toThrow(/something else than QMP/);
  });

  it("hangs up when it is disposed of", async () => {
    const { monitor, session } = await opened();
    await session[Symbol.asyncDispose]();
    expect(monitor.hungUp).toBe(true);
  });
});
