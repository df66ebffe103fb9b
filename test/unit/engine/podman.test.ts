import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectEngine } from "../../../src/engine/connect.js";
import { hangUp } from "../../../src/core/hang-up.js";

/** What Podman does otherwise than Docker. `npm run test:podman` asks Podman itself. */
const { signal } = new AbortController();

interface StandIn {
  /** Of the answer to a ping. */
  readonly head?: Readonly<Record<string, string>>;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** A container of an engine that answers like this. */
async function containerOf({ answer, upgrade, head = {} }: StandIn) {
  const folder = await mkdtemp(join(tmpdir(), "kdock-test-"));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://engine");
    if (pathname === "/_ping") response.writeHead(200, head).end("OK");
    else answer(request, response);
  });
  if (upgrade !== undefined) server.on("upgrade", upgrade);
  server.listen(join(folder, "sock"));
  await once(server, "listening");
  const env = { DOCKER_HOST: `unix://${join(folder, "sock")}` };
  const engine = await connectEngine({ env, home: folder, onLeak: () => undefined });
  return {
    engine,
    container: engine.container("c"),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}

const json = (response: ServerResponse, status: number, body: object) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
const STDIO = { Config: { Tty: true, OpenStdin: true } };

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

describe("the last lines of a log", () => {
  const SAID = "line 1\nline 2\npartial";
  const tailOf = async (head: Record<string, string>, tail: string) => {
    await using stand = await containerOf({
      head,
      answer: (request, response) => {
        const url = new URL(request.url ?? "", "http://engine");
        if (!url.pathname.endsWith("/logs")) json(response, 200, STDIO);
        else response.end(url.searchParams.get("tail") === "all" ? SAID : tail);
      },
    });
    return await textOf(await stand.container.logs({ follow: false, tail: 1, signal }));
  };

  it("are what the engine says they are", async () => {
    expect(await tailOf({}, "partial")).toBe("partial");
  });

  it("are not taken from Podman, which joins a line that came in pieces to the one before", async () => {
    expect(await tailOf({ "Libpod-API-Version": "4.3.1" }, "line 2partial\n")).toBe(SAID);
  });
});

describe("building", () => {
  const noCache = async (head: Record<string, string>) => {
    let asked: string | null = "";
    await using stand = await containerOf({
      head,
      answer: (request, response) => {
        asked = new URL(request.url ?? "", "http://engine").searchParams.get("nocache");
        request.resume();
        response.end('{"error":"enough"}\n');
      },
    });
    const build = { dockerfile: "Dockerfile", tag: "t", args: {}, labels: {}, noCache: false };
    const context = Readable.from([Buffer.alloc(1024)]);
    const built = stand.engine.buildImage({ ...build, context }, { signal });
    await expect(built).rejects.toMatchObject({ code: "build" });
    return asked;
  };

  it("takes steps from the engine's cache", async () => {
    expect(await noCache({})).not.toBe("true");
  });

  it("does not on Podman, whose cache does not look into what a step mounts", async () => {
    expect(await noCache({ "Libpod-API-Version": "4.3.1" })).toBe("true");
  });
});

describe("attaching", () => {
  it("sends nothing before the input, since Podman hands a request's body to the container", async () => {
    let body = "";
    await using stand = await containerOf({
      answer: (_request, response) => {
        json(response, 200, STDIO);
      },
      upgrade: (request, socket, head) => {
        expect(request.headers["content-length"]).toBe("0");
        expect(request.headers["transfer-encoding"]).toBeUndefined();
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        body += head.toString();
        socket.on("data", (chunk: Buffer) => (body += chunk.toString()));
        socket.on("end", () => socket.end(`got ${body}`));
      },
    });
    const stream = await stand.container.attach();
    stream.end("hello\n");
    expect(await textOf(stream)).toBe("got hello\n");
  });
});

describe("a stream that is given up with output unread", () => {
  /** Whether the engine has heard of it once the stream is closed. */
  const isHeard = async (head: Readonly<Record<string, string>>) => {
    let heard = false;
    await using stand = await containerOf({
      head,
      answer: (_request, response) => {
        json(response, 200, STDIO);
      },
      upgrade: (_request, socket) => {
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        socket.write(Buffer.alloc(1 << 22));
        socket.on("error", () => undefined);
        socket.once("end", () => {
          heard = true;
          socket.end();
        });
        socket.resume();
      },
    });
    const stream = await stand.container.attach();
    await once(stream, "readable");
    await hangUp(stream);
    return heard;
  };

  it("ends the command's input first on Podman, which takes no notice of a cut", async () => {
    expect(await isHeard({ "Libpod-API-Version": "4.3.1" })).toBe(true);
  });

  it("is cut at once elsewhere", async () => {
    expect(await isHeard({})).toBe(false);
  });
});

describe("killing", () => {
  const state = (running: boolean) => ({
    State: {
      Status: running ? "running" : "exited",
      ...{ Running: running, ExitCode: 0, OOMKilled: false, Error: "" },
    },
    NetworkSettings: {},
  });
  const killed = async (running: boolean) => {
    await using stand = await containerOf({
      answer: (request, response) => {
        if (request.method !== "POST") json(response, 200, state(running));
        else json(response, 500, { message: "can only kill running containers" });
      },
    });
    await stand.container.kill();
  };

  it("what has ended is no error where the engine says 500 to it", async () => {
    await killed(false);
  });

  it("what runs and cannot be killed is one", async () => {
    await expect(killed(true)).rejects.toMatchObject({ code: "engine" });
  });
});

describe("connecting a container to a network", () => {
  const connect = async (connected: readonly string[]) => {
    await using stand = await containerOf({
      answer: (request, response) => {
        const networks = Object.fromEntries(connected.map((name) => [name, {}]));
        if (request.method !== "POST")
          json(response, 200, { NetworkSettings: { Networks: networks } });
        else json(response, 500, { message: "network is already connected" });
      },
    });
    await stand.engine.connectNetwork("lan", "c");
  };

  it("that has it already is no error where the engine says 500 to it", async () => {
    await connect(["own", "lan"]);
  });

  it("that does not get it is one", async () => {
    await expect(connect(["own"])).rejects.toMatchObject({ code: "engine" });
  });
});
