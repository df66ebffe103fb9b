import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type Call, EngineClient, textOf } from "../../../src/engine/client.js";
import { UploadFailure } from "../../../src/engine/engine-error.js";

interface StandIn {
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade?: (request: IncomingMessage, socket: Duplex) => void;
}

/** A client of something at a socket that answers like this. */
async function clientOf({ answer, upgrade }: StandIn) {
  const folder = await mkdtemp(join(tmpdir(), "kdock-test-"));
  const server = createServer(answer);
  if (upgrade !== undefined) server.on("upgrade", upgrade);
  const socketPath = join(folder, "engine.sock");
  server.listen(socketPath);
  await once(server, "listening");
  return Object.assign(new EngineClient({ socketPath }), {
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  });
}

const put = (body: Readable, more: Partial<Call> = {}): Call => ({
  ...{ method: "PUT", path: "/archive", body },
  ...more,
});

/** A source that has begun, and goes on when somebody writes to it. */
function begunSource(): PassThrough {
  const source = new PassThrough();
  source.write(Buffer.alloc(512));
  return source;
}

const closed = async (stream: Readable) => {
  if (!stream.closed) await once(stream, "close");
};

describe("a call", () => {
  it("sends its query and its JSON, and has the answer's value", async () => {
    await using client = await clientOf({
      answer: (request, response) => {
        const { method, url, headers } = request;
        void text(request).then((body) => {
          const type = headers["content-type"];
          response.end(JSON.stringify({ method, url, type, body }));
        });
      },
    });
    const query = { all: true, tail: 3, name: "ü&", filters: { label: ["a=b"] }, none: undefined };
    const url = `/x?all=true&tail=3&name=%C3%BC%26&filters=${encodeURIComponent('{"label":["a=b"]}')}`;
    const type = "application/json";
    expect(await client.call({ method: "POST", path: "/x", query, json: { a: 1 } })).toEqual({
      ...{ method: "POST", url, type, body: '{"a":1}' },
    });
    expect(await client.call({ method: "GET", path: "/x" })).toEqual({
      ...{ method: "GET", url: "/x", body: "" },
    });
  });

  it("has the answer's text where it is no JSON", async () => {
    await using client = await clientOf({ answer: (_request, response) => response.end("OK") });
    expect(await client.call({ method: "GET", path: "/_ping" })).toBe("OK");
  });

  it("rejects with the status and the words of a refusal", async () => {
    await using client = await clientOf({
      answer: (_request, response) => response.writeHead(404).end('{"message":"no such thing"}'),
    });
    await expect(client.call({ method: "GET", path: "/x" })).rejects.toMatchObject({
      ...{ statusCode: 404, message: "no such thing" },
    });
  });

  it.each([
    ["an answer", 200],
    ["a refusal", 500],
  ])("rejects when the connection is lost in the middle of %s", async (_what, status) => {
    await using client = await clientOf({
      answer: (request, response) => {
        response.writeHead(status).write('{"half', () => request.socket.destroy());
      },
    });
    await expect(client.call({ method: "GET", path: "/x" })).rejects.toMatchObject({
      code: "ECONNRESET",
    });
  });

  it("rejects when the signal aborts it, whether an answer has begun or not", async () => {
    await using client = await clientOf({
      answer: ({ url }, response) => {
        if (url === "/begun") response.write("so far, so good");
        interrupt.abort();
      },
    });
    let interrupt = new AbortController();
    for (const path of ["/silent", "/begun"]) {
      interrupt = new AbortController();
      const { signal } = interrupt;
      await expect(client.call({ method: "GET", path, signal })).rejects.toMatchObject({
        name: "AbortError",
      });
    }
  });
});

describe("an upload", () => {
  it("arrives whole, and says how far it is", async () => {
    await using client = await clientOf({
      answer: (request, response) => {
        void text(request).then(({ length }) => response.end(String(length)));
      },
    });
    const sent: number[] = [];
    const body = Readable.from([Buffer.alloc(1_000_000), Buffer.alloc(500_000)]);
    const call = put(body, { onProgress: (bytes) => sent.push(bytes) });
    expect(await client.call(call)).toBe(1_500_000);
    expect(sent).toEqual([1_000_000, 1_500_000]);
  });

  const reason = new Error("disk on fire");

  it("whose source fails fails with it, before an answer", async () => {
    const body = begunSource();
    await using client = await clientOf({ answer: () => body.destroy(reason) });
    await expect(client.call(put(body))).rejects.toMatchObject({ cause: reason });
  });

  it("whose source fails fails with it, in the middle of an answer", async () => {
    const body = begunSource();
    await using client = await clientOf({
      answer: (_request, response) => response.write("so far, so good"),
    });
    const answer = await client.open(put(body));
    const all = textOf(answer);
    body.destroy(reason);
    await expect(all).rejects.toMatchObject({ cause: reason });
  });

  it("whose source fails fails with it, while the engine reads nothing", async () => {
    const source = new PassThrough();
    source.write(Buffer.alloc(16 << 20));
    await using client = await clientOf({ answer: () => source.destroy(reason) });
    await expect(client.call(put(source))).rejects.toMatchObject({ cause: reason });
  });

  it("whose source goes away without a word fails", async () => {
    const body = begunSource();
    await using client = await clientOf({ answer: () => body.destroy() });
    await expect(client.call(put(body))).rejects.toBeInstanceOf(UploadFailure);
  });

  it.each<[string, NonNullable<StandIn["answer"]>]>([
    ["refuses", (_request, response) => response.writeHead(404).end("no")],
    ["needs no more", (_request, response) => response.end("enough")],
    ["dies", (request) => request.socket.destroy()],
  ])("lets go of its source when the engine %s", async (_what, answer) => {
    const body = begunSource();
    await using client = await clientOf({ answer });
    await client.call(put(body)).catch(() => undefined);
    await closed(body);
    expect(body.destroyed).toBe(true);
  });

  it("lets go of its source when nothing listens, or the signal is aborted already", async () => {
    const nowhere = new EngineClient({ socketPath: "/nowhere.sock" });
    for (const signal of [undefined, AbortSignal.abort()]) {
      const body = begunSource();
      await expect(nowhere.call(put(body, { signal }))).rejects.toThrow();
      await closed(body);
    }
  });
});

describe("a connection", () => {
  const start: Call = { method: "POST", path: "/start", json: { Tty: true } };

  it("is handed over with all that came with the head", async () => {
    await using client = await clientOf({
      upgrade: (request, socket) => {
        expect(request.headers).toMatchObject({ connection: "Upgrade", upgrade: "tcp" });
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ");
        request.resume();
        socket.on("end", () => socket.end("last"));
      },
    });
    const connection = await client.upgrade(start);
    connection.end();
    expect(await text(connection)).toBe("first last");
  });

  it("is refused in the engine's words", async () => {
    await using client = await clientOf({
      answer: (_request, response) => response.writeHead(409).end('{"message":"paused"}'),
    });
    await expect(client.upgrade(start)).rejects.toMatchObject({
      ...{ statusCode: 409, message: "paused" },
    });
  });

  it("that a proxy keeps to itself is an error that says so", async () => {
    await using client = await clientOf({
      answer: (_request, response) => response.write("output"),
    });
    await expect(client.upgrade(start)).rejects.toMatchObject({
      code: "engine",
      hint: expect.stringContaining("proxy") as string,
    });
  });
});
