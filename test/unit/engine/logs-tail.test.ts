import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectEngine } from "../../../src/engine/connect.js";

const SAID = "line 1\nline 2\npartial";

/** The log of a container that an engine with this head in its answers gives for a tail of one line. */
async function tailOf(head: Record<string, string>, tail: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kdock-test-"));
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://engine");
    response.writeHead(200, head);
    if (url.pathname === "/_ping") response.end("OK");
    else if (url.pathname.endsWith("/logs"))
      response.end(url.searchParams.get("tail") === "all" ? SAID : tail);
    else response.end(JSON.stringify({ Config: { Tty: true, OpenStdin: false } }));
  });
  server.listen(join(folder, "sock"));
  await once(server, "listening");
  try {
    const env = { DOCKER_HOST: `unix://${join(folder, "sock")}` };
    const engine = await connectEngine({ env, home: folder, onLeak: () => undefined });
    const { signal } = new AbortController();
    const chunks: Buffer[] = [];
    for await (const chunk of await engine
      .container("c")
      .logs({ follow: false, tail: 1, signal })) {
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString();
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  }
}

describe("the last lines of a log", () => {
  it("are what the engine says they are", async () => {
    expect(await tailOf({}, "partial")).toBe("partial");
  });

  it("are not taken from Podman, which joins a line that came in pieces to the one before", async () => {
    expect(await tailOf({ "Libpod-API-Version": "4.3.1" }, "line 2partial\n")).toBe(SAID);
  });
});
