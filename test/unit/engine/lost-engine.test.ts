import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { connectEngine } from "../../../src/engine/connect.js";
import type { Engine, ImageBuild } from "../../../src/engine/engine.js";
import { KdockError } from "../../../src/core/errors.js";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Something that speaks HTTP at a socket as the engine does, until it does not. */
async function standIn(answer: Answer) {
  const folder = await mkdtemp(join(tmpdir(), "kdock-test-"));
  const socket = join(folder, "engine.sock");
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/_ping") === true) response.end("OK");
    else answer(request, response);
  });
  server.listen(socket);
  await once(server, "listening");
  const leaks: string[] = [];
  const engine = await connectEngine({
    env: { DOCKER_HOST: `unix://${socket}` },
    home: folder,
    onLeak: (what) => leaks.push(what),
  });
  return {
    engine,
    leaks,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}

/** Sends the head and the beginning of an answer, then drops the connection. */
const cutAfter =
  (beginning: string): Answer =>
  (request, response) => {
    request.resume();
    response.write(beginning, () => request.socket.destroy());
  };

const build: ImageBuild = {
  context: Readable.from([Buffer.alloc(1024)]),
  dockerfile: "Dockerfile",
  tag: "t",
  args: {},
  labels: {},
  noCache: false,
};
const { signal } = new AbortController();

describe("an engine that dies rejects with an engine error, and soon,", () => {
  it.each<[string, (engine: Engine) => Promise<unknown>]>([
    [
      "a build",
      (engine) => engine.buildImage({ ...build, context: Readable.from([]) }, { signal }),
    ],
    ["a pull", (engine) => engine.pullImage("debian", { signal })],
    ["a load", (engine) => engine.loadImage(Readable.from([]), { tag: "t", signal })],
    ["a wait", (engine) => engine.container("c").wait(signal)],
  ])("in %s", async (_name, call) => {
    await using stand = await standIn(cutAfter('{"status":"so far, so good"}\n'));
    await expect(call(stand.engine)).rejects.toMatchObject({ code: "engine" });
  });

  it("while its answer is copied out", async () => {
    await using stand = await standIn(cutAfter("half a tar"));
    const archive = await stand.engine.container("c").getArchive("/x", signal);
    const read = async () => {
      for await (const chunk of archive) expect(String(chunk)).toBe("half a tar");
    };
    await expect(read()).rejects.toMatchObject({ code: "engine" });
  });
});

describe("a call that is interrupted rejects with the signal's reason", () => {
  const reason = new KdockError("interrupted", "interrupted");

  it("while the engine says nothing", async () => {
    const interrupt = new AbortController();
    await using stand = await standIn((request) => {
      request.resume();
      interrupt.abort(reason);
    });
    const context = new PassThrough();
    // The request goes out with its first bytes.
    context.write(Buffer.alloc(512));
    const built = stand.engine.buildImage({ ...build, context }, { signal: interrupt.signal });
    await expect(built).rejects.toBe(reason);
  });

  it("in the middle of an answer", async () => {
    await using stand = await standIn((_request, response) => {
      response.write('{"status":"so far, so good"}\n');
    });
    const interrupt = new AbortController();
    const onLine = () => {
      interrupt.abort(reason);
    };
    const pulled = stand.engine.pullImage("debian", { signal: interrupt.signal, onLine });
    await expect(pulled).rejects.toBe(reason);
  });
});

describe("a container's scope", () => {
  it.each([
    ["reports a removal that fails, and throws nothing", 500, 1],
    ["says nothing of a container that is gone", 404, 0],
    ["says nothing of a container that is being removed", 409, 0],
  ])("%s", async (_name, status, leaks) => {
    await using stand = await standIn((_request, response) => {
      response.writeHead(status).end('{"message":"no"}');
    });
    await stand.engine.container("c")[Symbol.asyncDispose]();
    expect(stand.leaks).toHaveLength(leaks);
  });
});

it("an answer of an unknown shape is an engine error that says what is wrong", async () => {
  await using stand = await standIn((_request, response) => {
    response.setHeader("content-type", "application/json").end('{"NCPU":"many"}');
  });
  await expect(stand.engine.info()).rejects.toMatchObject({
    code: "engine",
    message: expect.stringContaining("NCPU") as string,
  });
});
