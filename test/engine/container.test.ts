import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KdockError } from "../../src/core/errors.js";
import { isStatus } from "../../src/engine/engine-error.js";
import type { Container } from "../../src/engine/engine.js";
import { bytesOf, openLab, packed, textOf, type Lab } from "./lab.js";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

const FIVE_MIB = 5 * 1024 * 1024;

describe("the life of a container", () => {
  it.each([
    ["without a terminal", false],
    ["with a terminal", true],
  ])("loses no byte of a short life, %s", async (_name, tty) => {
    const command = ["sh", "-c", `head -c ${FIVE_MIB} /dev/zero | tr '\\0' x; exit 7`];
    await using container = await lab.create({ command, tty });
    const ended = container.wait(lab.signal);
    const output = await container.attach();
    await container.start();
    const [bytes, exitCode] = await Promise.all([bytesOf(output), ended]);
    expect(bytes.length).toBe(FIVE_MIB);
    expect(bytes.every((byte) => byte === 0x78)).toBe(true);
    expect(exitCode).toBe(7);
  });

  it("has stdout and stderr in order in attach and in the log", async () => {
    const command = ["sh", "-c", "echo a; sleep 0.4; echo b >&2; sleep 0.4; echo c"];
    await using container = await lab.create({ command });
    const ended = container.wait(lab.signal);
    const output = await container.attach();
    await container.start();
    expect(await textOf(output)).toBe("a\nb\nc\n");
    await ended;
    const { signal } = lab;
    expect(await textOf(await container.logs({ follow: false, signal }))).toBe("a\nb\nc\n");
    expect(await textOf(await container.logs({ follow: false, tail: 1, signal }))).toBe("c\n");
    expect(await textOf(await container.logs({ follow: true, signal }))).toBe("a\nb\nc\n");
  });

  it("does not take JSON in a terminal's log for an answer of the engine", async () => {
    await using container = await lab.create({ command: ["printf", '{"a":1}'], tty: true });
    const ended = container.wait(lab.signal);
    await container.start();
    await ended;
    const log = await container.logs({ follow: false, signal: lab.signal });
    expect(await textOf(log)).toBe('{"a":1}');
  });

  it("tells the exit code of a container that had ended before anybody waited", async () => {
    await using container = await lab.create({ command: ["sh", "-c", "exit 3"] });
    const first = container.wait(lab.signal);
    await container.start();
    await first;
    expect(await container.wait(lab.signal)).toBe(3);
    expect(await container.inspect()).toMatchObject({ running: false, exitCode: 3, error: "" });
  });

  it("gives a container's stdin what is written to the attached stream", async () => {
    const command = ["sh", "-c", "read line; echo got $line"];
    await using container = await lab.create({ command, openStdin: true });
    const ended = container.wait(lab.signal);
    const terminal = await container.attach();
    await container.start();
    terminal.write("hello\n");
    expect(await textOf(terminal)).toBe("got hello\n");
    expect(await ended).toBe(0);
  });

  it("stops, kills and says so; doing it twice is no error", async () => {
    await using container = await lab.create({ stopSignal: "SIGKILL" });
    await container.start();
    await container.start();
    expect((await container.inspect()).running).toBe(true);
    await container.stop(1);
    await container.stop(1);
    await container.kill();
    expect((await container.inspect()).running).toBe(false);
  });

  it("stops waiting and following when the signal says so", async () => {
    await using container = await lab.create({});
    await container.start();
    const interrupt = new AbortController();
    const { signal } = interrupt;
    const ended = container.wait(signal);
    const log = textOf(await container.logs({ follow: true, signal }));
    const reason = new KdockError("interrupted", "interrupted");
    // Both requests are with the engine when it has answered a later one.
    await container.inspect();
    interrupt.abort(reason);
    await expect(ended).rejects.toBe(reason);
    await expect(log).rejects.toBe(reason);
  });

  it("is gone after its scope, and with it a wait that nobody answers", async () => {
    let ended: Promise<number>;
    {
      await using container = await lab.create({});
      ended = container.wait(lab.signal);
      await container.attach();
    }
    await expect(ended).rejects.toMatchObject({ code: "engine" });
    expect(lab.leaks).toEqual([]);
  });

  it("may be removed before its scope ends", async () => {
    {
      await using container = await lab.create({});
      await container.remove();
      await container.remove();
    }
    expect(lab.leaks).toEqual([]);
  });

  it("may be removed by several at once, and is gone for each of them", async () => {
    await using container = await lab.create({ command: ["sleep", "60"] });
    await container.start();
    const removed = Array.from({ length: 4 }, async () => {
      const { id } = container;
      await lab.engine.container(id).remove();
      await expect(lab.engine.container(id).inspect()).rejects.toMatchObject({ code: "engine" });
    });
    await Promise.all(removed);
    expect(lab.leaks).toEqual([]);
  });

  it("refuses a second one of the same name with status 409", async () => {
    await using container = await lab.create({ name: lab.name("twin") });
    const error: unknown = await lab.create({ name: lab.name("twin") }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "engine" });
    expect(isStatus(error, 409)).toBe(true);
    expect(String(error)).toContain(container.id.slice(0, 12));
  });

  it("refuses an image the engine does not have with status 404", async () => {
    const error: unknown = await lab
      .create({ image: "kdock-test/none:none" })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "engine" });
    expect(isStatus(error, 404)).toBe(true);
  });

  it("does not make one when the signal has come before", async () => {
    const reason = new KdockError("interrupted", "interrupted");
    const spec = { image: lab.base } as Parameters<typeof lab.engine.createContainer>[0];
    const made = lab.engine.createContainer(spec, AbortSignal.abort(reason));
    await expect(made).rejects.toBe(reason);
  });

  it("publishes a port on a free one of the host", async () => {
    const port = {
      containerPort: 9090,
      protocol: "tcp",
      hostAddress: "127.0.0.1",
      hostPort: 0,
    } as const;
    await using container = await lab.create({ network: undefined, ports: [port] });
    await container.start();
    const { ports, address } = await container.inspect();
    const [published] = ports;
    expect(published).toEqual({ ...port, hostPort: expect.any(Number) as number });
    expect(published?.hostPort).toBeGreaterThan(0);
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const listed = await lab.engine.listContainers(lab.labels);
    expect(listed.find(({ id }) => id === container.id)).toMatchObject({ running: true, ports });
    const socket = connect(published?.hostPort ?? 0, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.destroy();
  });
});

describe("a command in a running container", () => {
  let container: Container;
  beforeAll(async () => {
    container = await lab.create({});
    await container.start();
  });
  const exec = (command: string[], tty = false) =>
    container.exec(command, { tty, signal: lab.signal });

  it("gets all bytes, then the end of its stdin, and answers with all bytes", async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    const run = await exec(["cat"]);
    run.stream.end(bytes);
    expect((await bytesOf(run.stream)).equals(bytes)).toBe(true);
    expect(await run.exitCode()).toBe(0);
  });

  it("answers after its stdin was closed", async () => {
    const run = await exec(["sh", "-c", "wc -c; sleep 0.3; echo late"]);
    run.stream.end("12345");
    expect(await textOf(run.stream)).toBe("5\nlate\n");
  });

  it("has stderr apart and its own exit code", async () => {
    const run = await exec(["sh", "-c", "echo out; echo err >&2; exit 42"]);
    run.stream.end();
    const [out, err] = await Promise.all([textOf(run.stream), textOf(run.stderr)]);
    expect([out, err]).toEqual(["out\n", "err\n"]);
    expect(await run.exitCode()).toBe(42);
  });

  it("may be read stdout first, however much it writes to stderr", async () => {
    const run = await exec(["sh", "-c", `head -c ${FIVE_MIB} /dev/zero >&2; echo out`]);
    expect(await textOf(run.stream)).toBe("out\n");
    expect((await bytesOf(run.stderr)).length).toBe(FIVE_MIB);
  });

  it("may end before it has read its stdin, and its output is still whole", async () => {
    const run = await exec(["sh", "-c", `head -c 5; head -c 100000 /dev/zero; exit 9`]);
    run.stream.end(Buffer.alloc(20 * 1024 * 1024, "y"));
    expect((await bytesOf(run.stream)).length).toBe(100_005);
    expect(await run.exitCode()).toBe(9);
  });

  it("has a terminal when asked for", async () => {
    const run = await exec(["sh", "-c", "test -t 0 && test -t 1 && echo tty >&2"], true);
    expect(await textOf(run.stream)).toBe("tty\r\n");
    expect(await run.exitCode()).toBe(0);
  });

  it("may run as another user", async () => {
    const run = await container.exec(["id", "-u"], {
      tty: false,
      signal: lab.signal,
      user: "1234",
    });
    expect(await textOf(run.stream)).toBe("1234\n");
  });

  it("is let go of when the signal says so", async () => {
    const interrupt = new AbortController();
    const run = await container.exec(["sleep", "600"], {
      tty: false,
      signal: interrupt.signal,
    });
    const reason = new KdockError("interrupted", "interrupted");
    interrupt.abort(reason);
    await expect(textOf(run.stream)).rejects.toBe(reason);
    await expect(run.exitCode()).rejects.toBe(reason);
  });

  it("that does not exist exits with 126 or 127", async () => {
    const run = await exec(["/no/such/command"]);
    await bytesOf(run.stream);
    expect([126, 127]).toContain(await run.exitCode());
  });

  it("is an engine error where nothing runs", async () => {
    await using stopped = await lab.create({});
    const run = stopped.exec(["true"], { tty: false, signal: lab.signal });
    await expect(run).rejects.toMatchObject({ code: "engine" });
  });
});

describe("copying", () => {
  it("brings files in and out again", async () => {
    await using container = await lab.create({});
    const body = randomBytes(700_000);
    await container.putArchive("/tmp", packed({ "a/b.bin": body }));
    const found = new Map<string, Buffer>();
    const extract = tar.extract();
    const archive = await container.getArchive("/tmp/a", lab.signal);
    const visit = async () => {
      for await (const entry of extract)
        found.set(entry.header.name, await bytesOf(entry as AsyncIterable<Uint8Array>));
    };
    await Promise.all([pipeline(archive, extract as unknown as NodeJS.WritableStream), visit()]);
    expect(found.get("a/b.bin")?.equals(body)).toBe(true);
  });

  it("rejects with the error of an archive that fails", async () => {
    await using container = await lab.create({});
    const broken = Readable.from(
      (function* () {
        yield Buffer.alloc(512);
        throw new Error("disk on fire");
      })(),
    );
    await expect(container.putArchive("/tmp", broken)).rejects.toThrow("disk on fire");
  });

  it("rejects with status 404 for what is not there", async () => {
    await using container = await lab.create({});
    const error: unknown = await container
      .getArchive("/no/such", lab.signal)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "engine" });
    expect(isStatus(error, 404)).toBe(true);
    await expect(container.putArchive("/no/such", packed({ a: "" }))).rejects.toMatchObject({
      code: "engine",
    });
  });
});
