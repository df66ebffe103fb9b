import { describe, expect, it } from "vitest";
import { readQmpLine } from "../../../../src/memory/qmp/messages.js";
import { openQmp, type QmpSession } from "../../../../src/memory/qmp/session.js";

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob"]}}';

describe("readQmpLine", () => {
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
  ])("reads %s", (line, message) => {
    expect(readQmpLine(line)).toEqual(message);
  });

  it.each(["HTTP/1.1 400 Bad Request", "[]", '{"events": 1}', '{"event": 1}'])(
    "rejects %s",
    (line) => {
      expect(() => readQmpLine(line)).toThrow(/sent a line that is not QMP/);
    },
  );
});

/** QEMU's end of the connection. */
class Monitor {
  readonly commands: { execute: string; arguments: unknown; id: number }[] = [];
  closed = false;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  send(line: unknown): void {
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
        const command = JSON.parse(text) as (typeof this.commands)[number];
        this.commands.push(command);
        if (command.execute === "qmp_capabilities") this.send({ return: {}, id: command.id });
      },
      close: () => (this.closed = true),
    });
  }
}

async function opened(): Promise<{ monitor: Monitor; session: QmpSession }> {
  const monitor = new Monitor();
  monitor.send(GREETING);
  return { monitor, session: await monitor.open() };
}

describe("a QMP session", () => {
  it("negotiates capabilities and has QEMU's version", async () => {
    const { monitor, session } = await opened();
    expect(monitor.commands.map(({ execute }) => execute)).toEqual(["qmp_capabilities"]);
    expect(session.version).toBe("10.0.2");
  });

  it("matches responses to commands by id, in any order", async () => {
    const { monitor, session } = await opened();
    const one = session.execute("one", { a: 1 });
    const two = session.execute("two");
    monitor.send({ return: "second", id: monitor.commands[2]?.id });
    monitor.send({ return: "first", id: monitor.commands[1]?.id });
    expect(await Promise.all([one, two])).toEqual(["first", "second"]);
    expect(monitor.commands[1]?.arguments).toEqual({ a: 1 });
  });

  it("rejects a refused command with QEMU's reason and stays usable", async () => {
    const { monitor, session } = await opened();
    const refused = session.execute("dump-guest-memory");
    monitor.send({ error: { class: "GenericError", desc: "busy" }, id: monitor.commands[1]?.id });
    await expect(refused).rejects.toThrow("QEMU refuses dump-guest-memory: busy");
    const next = session.execute("query-status");
    monitor.send({ return: { status: "running" }, id: monitor.commands[2]?.id });
    expect(await next).toEqual({ status: "running" });
  });

  it("waits for the requested event and ignores others", async () => {
    const { monitor, session } = await opened();
    const completed = session.event("DUMP_COMPLETED");
    monitor.send({ event: "STOP" });
    monitor.send({ event: "DUMP_COMPLETED", data: { result: { status: "completed" } } });
    expect((await completed).data).toEqual({ result: { status: "completed" } });
  });

  it("rejects pending and later calls when the connection ends", async () => {
    const { monitor, session } = await opened();
    const waiting = [session.execute("query-status"), session.event("STOP")];
    monitor.end();
    for (const each of waiting) await expect(each).rejects.toThrow(/monitor ended/);
    await expect(session.execute("query-status")).rejects.toMatchObject({ code: "vm" });
  });

  it("does not open on a closed connection or another protocol", async () => {
    const silent = new Monitor();
    silent.end();
    await expect(silent.open()).rejects.toThrow(/monitor ended/);
    const other = new Monitor();
    other.send("SSH-2.0-OpenSSH_9.2");
    await expect(other.open()).rejects.toThrow(/sent a line that is not QMP/);
  });

  it("closes the connection on dispose", async () => {
    const { monitor, session } = await opened();
    await session[Symbol.asyncDispose]();
    expect(monitor.closed).toBe(true);
  });
});
