import { duplexPair } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { KdockError } from "../../../../src/core/errors.js";
import {
  encodeFrame,
  GUEST_FRAME,
  HOST_FRAME,
  OUT_WINDOW,
  STDIN_WINDOW,
} from "../../../../src/vm/agent/frames.js";
import type { GuestCommand } from "../../../../src/vm/agent/command.js";
import { handshake } from "../../../../src/vm/agent/session.js";
import type { GuestSession } from "../../../../src/vm/agent/session.js";
import { FakeAgent, helloFrame } from "./fake-agent.js";

function quiet(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

function wire(options?: { answersHello?: boolean }): { host: Duplex; agent: FakeAgent } {
  const [host, guest] = duplexPair();
  return { host, agent: new FakeAgent(guest, options) };
}

async function connected(): Promise<{ host: Duplex; agent: FakeAgent; session: GuestSession }> {
  const { host, agent } = wire();
  return { host, agent, session: await handshake(host, quiet()) };
}

function exec(session: GuestSession, ...argv: [string, ...string[]]): GuestCommand {
  return session.exec({ argv, env: {}, cwd: "" });
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

describe("opening a session", () => {
  it("resolves with what the agent says of its guest", async () => {
    const { session } = await connected();

    expect(session.hello).toEqual({ version: 2, uptimeMs: 1234, release: "6.12.0" });
  });

  it("tells how the machine is, before it answers and after", async () => {
    const { host, agent } = wire({ answersHello: false });
    const states: string[] = [];
    const opening = handshake(host, { ...quiet(), onState: (state) => states.push(state) });
    const { payload } = await agent.frame(HOST_FRAME.hello);
    agent.send(GUEST_FRAME.state, 0, "paused");
    agent.send(GUEST_FRAME.state, 0, "running");
    agent.sendBytes(helloFrame(payload.readUInt32LE(4)));
    await opening;
    agent.send(GUEST_FRAME.state, 0, "debug");
    await turns(5);

    expect(states).toEqual(["paused", "running", "debug"]);
  });

  it("refuses an agent of another version", async () => {
    const { host, agent } = wire({ answersHello: false });
    const opening = handshake(host, quiet());
    const { payload } = await agent.frame(HOST_FRAME.hello);
    agent.sendBytes(helloFrame(payload.readUInt32LE(4), { version: 1 }));

    await expect(opening).rejects.toThrow(/version 1 of the protocol, not 2/);
  });

  it("rejects when the guest goes away first", async () => {
    const { host, agent } = wire({ answersHello: false });
    const opening = handshake(host, quiet());
    agent.hangUp();

    await expect(opening).rejects.toThrow("the guest went away before it was ready");
  });

  it("rejects with the reason of an abort and lets go of the wire", async () => {
    const { host } = wire({ answersHello: false });
    const interrupt = new AbortController();
    const opening = handshake(host, { signal: interrupt.signal });
    const reason = new KdockError("interrupted", "interrupted");
    interrupt.abort(reason);

    await expect(opening).rejects.toBe(reason);
    expect(host.destroyed).toBe(true);
  });

  it("rejects at once when it was aborted before", async () => {
    const { host } = wire();
    const reason = new KdockError("interrupted", "interrupted");

    await expect(handshake(host, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("a command", () => {
  it("is sent with its environment, folder and terminal", async () => {
    const { agent, session } = await connected();
    session.exec({
      argv: ["vi", "a b"],
      env: { TERM: "xterm" },
      cwd: "/tmp",
      tty: { rows: 24, columns: 80 },
    });

    expect(await agent.exec()).toEqual({
      id: 1,
      tty: true,
      strings: ["vi", "a b", "TERM=xterm", "/tmp"],
    });
  });

  it("gives output and exit code", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "sh");
    const { id } = await agent.exec();
    agent.send(GUEST_FRAME.stdout, id, "out");
    agent.send(GUEST_FRAME.stderr, id, "err");
    agent.exit(id, 7);

    expect(await text(command.stdout)).toBe("out");
    expect(await text(command.stderr)).toBe("err");
    expect(await command.exit).toEqual({ kind: "exited", code: 7, error: undefined });
  });

  it("tells the signal that ended it", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "sh");
    agent.send(GUEST_FRAME.exit, (await agent.exec()).id, Buffer.of(1, 11));

    expect(await command.exit).toEqual({ kind: "signalled", signal: 11 });
  });

  it("tells why it could not be run", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "nosuch");
    const { id } = await agent.exec();
    agent.send(GUEST_FRAME.error, id, "nosuch: No such file or directory");
    agent.exit(id, 127);

    expect(await command.exit).toEqual({
      kind: "exited",
      code: 127,
      error: "nosuch: No such file or directory",
    });
  });

  it("is the same whatever way the bytes are cut", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "cat");
    const { id } = await agent.exec();
    const bytes = Buffer.concat([
      encodeFrame(GUEST_FRAME.stdout, id, Buffer.from("päckchen")),
      encodeFrame(GUEST_FRAME.stdout, id, Buffer.alloc(0)),
      encodeFrame(GUEST_FRAME.exit, id, Buffer.of(0, 3)),
    ]);
    for (const byte of bytes) agent.sendBytes(Buffer.of(byte));

    expect(await text(command.stdout)).toBe("päckchen");
    expect(await command.exit).toMatchObject({ code: 3 });
  });

  it("passes signals and sizes on", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "top");
    const { id } = await agent.exec();
    command.signal(2);
    command.resize({ rows: 10, columns: 20 });
    session.resizeConsole({ rows: 30, columns: 40 });
    session.powerOff();
    await agent.frame(HOST_FRAME.powerOff);

    expect(await agent.frame(HOST_FRAME.signal)).toMatchObject({ id, payload: Buffer.of(2) });
    expect(await agent.frame(HOST_FRAME.resize)).toMatchObject({ id });
    expect(await agent.frame(HOST_FRAME.resize, 1)).toMatchObject({ id: 0 });
  });

  it("shares the wire with many others", async () => {
    const { agent, session } = await connected();
    const commands = Array.from({ length: 100 }, (_, n) => exec(session, "echo", String(n)));
    await agent.exec(99);
    for (let n = 99; n >= 0; n--) {
      const { id, strings } = await agent.exec(n);
      agent.send(GUEST_FRAME.stdout, id, strings[1]);
      agent.exit(id, n);
    }

    expect(await Promise.all(commands.map(({ stdout }) => text(stdout)))).toEqual(
      commands.map((_, n) => String(n)),
    );
    expect(await Promise.all(commands.map(({ exit }) => exit))).toMatchObject(
      commands.map((_, code) => ({ code })),
    );
  });

  it("does not hear the last words of one before it", async () => {
    const { agent, session } = await connected();
    agent.send(GUEST_FRAME.stdout, 4711, "from another time");
    const command = exec(session, "true");
    agent.exit((await agent.exec()).id, 0);

    expect(await text(command.stdout)).toBe("");
  });
});

describe("stdin", () => {
  it("is passed on in order, and its end as a frame without bytes", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "cat");
    command.stdin.write("one ");
    command.stdin.write("");
    command.stdin.end("two");
    const end = await agent.frame(HOST_FRAME.stdin, 2);

    expect(agent.stdinBytes(end.id).toString()).toBe("one two");
    expect(end.payload).toHaveLength(0);
  });

  it("takes no more than the guest has room for until it is acknowledged", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "cat");
    const { id } = await agent.exec();
    const data = Buffer.from(Array.from({ length: 3 * STDIN_WINDOW }, (_, n) => n % 251));
    const writing = pipeline([data], command.stdin);
    await turns(20);
    expect(agent.stdinBytes(id)).toHaveLength(STDIN_WINDOW);

    agent.acknowledge(id, 1000);
    await turns(20);
    expect(agent.stdinBytes(id)).toHaveLength(STDIN_WINDOW + 1000);

    agent.acknowledge(id, STDIN_WINDOW - 1000);
    await turns(20);
    agent.acknowledge(id, STDIN_WINDOW);
    await writing;
    expect(agent.stdinBytes(id).equals(data)).toBe(true);
  });

  it("is closed when the command ends without reading it", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "true");
    const { id } = await agent.exec();
    const writing = pipeline([Buffer.alloc(2 * STDIN_WINDOW)], command.stdin);
    await turns(5);
    agent.exit(id, 0);

    await expect(writing).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    expect(await command.exit).toMatchObject({ code: 0 });
  });
});

describe("back-pressure", () => {
  const chunk = Buffer.alloc(65_536, 1);

  async function flood(agent: FakeAgent, id: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) agent.send(GUEST_FRAME.stdout, id, chunk);
    agent.exit(id, 0);
    await turns(50);
  }

  it("keeps no more of an unread output than a stream's buffer", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "yes");
    await flood(agent, (await agent.exec()).id, 50);
    expect(command.stdout.readableLength).toBeLessThanOrEqual(2 * chunk.length);

    expect(await buffer(command.stdout)).toHaveLength(50 * chunk.length);
  });

  it("tells the guest what has been taken, before the guest has to wait for it", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "yes");
    const { id } = await agent.exec();
    await flood(agent, id, 50);
    const acknowledged = () =>
      agent.received
        .filter(({ type }) => type === HOST_FRAME.outAck)
        .reduce((sum, { payload }) => sum + payload.readUInt32LE(0), 0);
    expect(acknowledged()).toBeLessThan(OUT_WINDOW / 2);

    await buffer(command.stdout);
    expect(acknowledged()).toBeGreaterThan(50 * chunk.length - OUT_WINDOW / 2);
  });

  it("ends for an output that is not wanted any more", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "yes");
    await flood(agent, (await agent.exec()).id, 50);
    command.stdout.destroy();

    expect(await command.exit).toMatchObject({ code: 0 });
  });

  it("does not keep a closed session from ending", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "yes");
    await flood(agent, (await agent.exec()).id, 50);
    session.close();

    await session.closed;
    await expect(command.exit).rejects.toThrow("the guest went away before the command ended");
  });
});

describe("the end of a session", () => {
  async function drained(output: Readable): Promise<void> {
    output.resume();
    if (!output.readableEnded) await new Promise((resolve) => output.once("end", resolve));
  }

  it("rejects the exits of what still runs, and ends its streams", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "sleep");
    await agent.exec();
    agent.hangUp();

    await expect(command.exit).rejects.toMatchObject({
      code: "vm",
      message: "the guest went away before the command ended",
    });
    await drained(command.stdout);
    await drained(command.stderr);
    expect(command.stdin.destroyed).toBe(true);
    await session.closed;
  });

  it("leaves alone what has ended before", async () => {
    const { agent, session } = await connected();
    const command = exec(session, "true");
    agent.exit((await agent.exec()).id, 0);
    agent.hangUp();
    await session.closed;

    expect(await command.exit).toMatchObject({ code: 0 });
  });

  it("comes with an error of the wire", async () => {
    const { host, agent, session } = await connected();
    const command = exec(session, "sleep");
    await agent.exec();
    const cause = new Error("ECONNRESET");
    host.destroy(cause);

    await expect(command.exit).rejects.toMatchObject({ code: "vm", cause });
  });

  it("comes with an abort, whose reason every command gets", async () => {
    const { host } = wire();
    const interrupt = new AbortController();
    const session = await handshake(host, { signal: interrupt.signal });
    const command = exec(session, "sleep");
    const reason = new KdockError("interrupted", "interrupted");
    interrupt.abort(reason);

    await expect(command.exit).rejects.toBe(reason);
  });

  it("is explained to the commands that it takes with it, once", async () => {
    const { host, agent } = wire();
    const asked: unknown[] = [];
    const explained = new KdockError("vm", "the VM was stopped");
    const explain = (lost: unknown) => {
      asked.push(lost);
      return Promise.resolve(explained);
    };
    const session = await handshake(host, { ...quiet(), explain });
    const commands = [exec(session, "sleep"), exec(session, "sleep")];
    await agent.exec(1);
    agent.hangUp();

    for (const { exit } of commands) await expect(exit).rejects.toBe(explained);
    await expect(exec(session, "true").exit).rejects.toBe(explained);
    expect(asked).toMatchObject([{ message: "the guest went away before the command ended" }]);
  });

  it.each(["close", "abort"])("needs no explanation when its own side ends it: %s", async (how) => {
    const { host } = wire();
    const interrupt = new AbortController();
    const explain = () => Promise.reject(new Error("asked for"));
    const session = await handshake(host, { signal: interrupt.signal, explain });
    const { exit } = exec(session, "sleep");
    const reason = new KdockError("interrupted", "interrupted");
    if (how === "close") session.close();
    else interrupt.abort(reason);

    await expect(exit).rejects.toThrow(how === "close" ? "the guest went away" : reason.message);
  });

  it.each([
    ["nonsense", Buffer.alloc(64, 0xff), /sent a frame header with flags/],
    ["a frame nobody knows", encodeFrame(77, 1, Buffer.alloc(0)), /unknown type 77/],
    ["hello to another host", helloFrame(0), /started anew/],
  ])("comes when the guest sends %s", async (_name, bytes, message) => {
    const { host, agent, session } = await connected();
    const command = exec(session, "sleep");
    await agent.exec();
    agent.sendBytes(bytes);

    await expect(command.exit).rejects.toThrow(message);
    expect(host.destroyed).toBe(true);
  });

  it("makes later commands fail at once", async () => {
    const { agent, session } = await connected();
    agent.hangUp();
    await session.closed;

    await expect(exec(session, "true").exit).rejects.toMatchObject({ code: "vm" });
  });

  it("is waited for by `await using`", async () => {
    const { host } = wire();
    {
      await using session = await handshake(host, quiet());
      exec(session, "sleep");
    }

    expect(host.closed).toBe(true);
  });
});
