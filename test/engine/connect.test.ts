import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectEngine } from "../../src/engine/connect.js";
import { bytesOf, openLab, packed, textOf } from "./lab.js";

const SOCKET = "/var/run/docker.sock";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-test-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const connectWith = (env: NodeJS.ProcessEnv, home = folder) =>
  connectEngine({ env, home, onLeak: () => undefined });

describe("an engine is found", () => {
  it("at the usual place", async () => {
    const info = await (await connectWith({})).info();
    expect(info).toMatchObject({
      endpoint: `unix://${SOCKET}`,
      rootDir: expect.any(String) as string,
    });
    expect(info.cpus).toBeGreaterThan(0);
    expect(info.memoryBytes).toBeGreaterThan(100_000_000);
  });

  it("by DOCKER_HOST, whatever this process has in its own", async () => {
    const before = process.env["DOCKER_HOST"];
    process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
    try {
      const engine = await connectWith({ DOCKER_HOST: `unix://${SOCKET}` });
      expect((await engine.info()).endpoint).toBe(`unix://${SOCKET}`);
    } finally {
      if (before === undefined) delete process.env["DOCKER_HOST"];
      else process.env["DOCKER_HOST"] = before;
    }
  });
});

/** A command in a container of the engine at DOCKER_HOST: the path that a proxy is most likely to break. */
async function tryOut(env: NodeJS.ProcessEnv): Promise<void> {
  await using lab = await openLab({ ...process.env, ...env });
  await using container = await lab.create({});
  await container.start();
  await container.putArchive("/tmp", packed({ "big.bin": Buffer.alloc(1_000_000, "z") }));
  const run = await container.exec(["sh", "-c", "wc -c; cat /tmp/big.bin"], {
    tty: false,
    signal: lab.signal,
  });
  run.stream.end("12345");
  expect((await bytesOf(run.stream)).length).toBe(1_000_002);
  expect(await run.exitCode()).toBe(0);

  await using short = await lab.create({ command: ["sh", "-c", "echo bye; exit 4"] });
  const ended = short.wait(lab.signal);
  const output = await short.attach();
  await short.start();
  expect(await textOf(output)).toBe("bye\n");
  expect(await ended).toBe(4);
}

describe("an engine elsewhere works like the one here", () => {
  it("over tcp", async () => {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const engine = connect({ path: SOCKET, allowHalfOpen: true });
      client.pipe(engine).pipe(client);
      client.on("error", () => engine.destroy());
      engine.on("error", () => client.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await tryOut({ DOCKER_HOST: `tcp://127.0.0.1:${port}` });
    server.close();
  });

  it("over ssh, with whatever is called ssh on the PATH", async () => {
    const bin = await sshThatRuns(`
      const engine = require("node:net").connect({ path: ${JSON.stringify(SOCKET)}, allowHalfOpen: true });
      process.stdin.pipe(engine).pipe(process.stdout);
      engine.on("end", () => process.stdout.write("", () => process.exit()));`);
    await tryOut({ DOCKER_HOST: "ssh://ada@lab", PATH: `${bin}:${process.env["PATH"] ?? ""}` });
  });

  it("unless ssh fails: then what it says is the reason", async () => {
    const bin = await sshThatRuns(
      'console.error("ada@lab: Permission denied"); process.exitCode = 255;',
    );
    const env = { DOCKER_HOST: "ssh://ada@lab", PATH: `${bin}:${process.env["PATH"] ?? ""}` };
    await expect(connectWith(env)).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining(
        "ssh://ada@lab (DOCKER_HOST): ada@lab: Permission denied",
      ) as string,
    });
  });

  it("unless there is no ssh", async () => {
    const env = { DOCKER_HOST: "ssh://ada@lab", PATH: folder };
    await expect(connectWith(env)).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining("cannot run ssh") as string,
    });
  });

  async function sshThatRuns(script: string): Promise<string> {
    const bin = await mkdtemp(join(folder, "bin-"));
    await writeFile(join(bin, "ssh"), `#!/usr/bin/env node\n${script}\n`);
    await chmod(join(bin, "ssh"), 0o755);
    return bin;
  }
});

describe("an engine that was named and does not answer is an error", () => {
  it("that says which and why, and no other engine is taken", async () => {
    const path = join(folder, "none.sock");
    await expect(connectWith({ DOCKER_HOST: `unix://${path}` })).rejects.toMatchObject({
      code: "environment",
      message: `no container engine answers:\n  unix://${path} (DOCKER_HOST): no such socket`,
      hint: expect.stringContaining("DOCKER_HOST") as string,
    });
  });

  it("when a docker context names it", async () => {
    const home = join(folder, "home");
    await mkdir(join(home, ".docker"), { recursive: true });
    await writeFile(join(home, ".docker/config.json"), '{"currentContext":"gone"}');
    await expect(connectWith({}, home)).rejects.toMatchObject({ code: "environment" });
  });
});
