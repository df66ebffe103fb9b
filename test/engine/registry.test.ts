import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadConfig } from "../../src/config/layers.js";
import { connectEngine } from "../../src/engine/connect.js";
import type { Engine } from "../../src/engine/engine.js";
import { createNodeHost } from "../../src/host/node-host.js";
import { basePlan } from "../../src/build/plan/image-plan.js";
import { ensureBase } from "../../src/build/steps/base-image.js";
import type { Context } from "../../src/core/steps/context.js";
import type { Event } from "../../src/ui/reporter.js";
import { docker } from "../support/kdock.js";
import { baseImage } from "./base-image.js";

/** Debian's docker-registry on loopback: the engine needs no TLS for 127.0.0.0/8. */
let folder: string;
let registry: ChildProcess;
let address: string;
let engine: Engine;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-registry-")));
  address = `127.0.0.1:${await freePort()}`;
  await writeFile(
    join(folder, "config.yml"),
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${folder}/data } }\nhttp: { addr: "${address}" }\n`,
  );
  registry = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
  // Rejects where the program is not installed.
  await once(registry, "spawn");
  engine = await connectEngine({
    env: process.env,
    home: process.env["HOME"] ?? "/root",
    onLeak: () => undefined,
  });
  await docker("tag", await baseImage(engine), `${address}/debian:trixie-slim`);
  await pushed(`${address}/debian:trixie-slim`);
  await docker("rmi", `${address}/debian:trixie-slim`);
});

afterAll(async () => {
  registry.kill();
  await once(registry, "exit");
  await docker("rmi", "-f", `${address}/debian:trixie-slim`).catch(() => undefined);
  await rm(folder, { recursive: true });
});

it("takes the base image from the registry that is configured, and knows its digest", async () => {
  const events: Event[] = [];
  const base = await ensureBase(context(events), plan(address));
  expect(base.ref).toBe(`${address}/debian:trixie-slim`);
  expect(base.info.repoDigests[0]).toMatch(/\/debian@sha256:[0-9a-f]{64}$/);
  expect(events.some((event) => event.type === "notice")).toBe(false);
});

it("does nothing when the image is there", async () => {
  const events: Event[] = [];
  await ensureBase(context(events), plan(address));
  expect(events).toContainEqual(expect.objectContaining({ type: "step-done", cached: true }));
});

it("is an engine error that names the image when only a registry may be asked and it lacks it", async () => {
  const config = loadConfig({
    flags: { images: { registry: `${address}/none`, base: "registry" } },
  });
  await expect(
    ensureBase(context([]), basePlan("trixie", config.images, "x86_64")),
  ).rejects.toMatchObject({
    code: "engine",
  });
});

it("falls back on bootstrapping, says so once, and says what to do without mmdebstrap", async () => {
  const events: Event[] = [];
  const ctx = context(events);
  const poor: Context = { ...ctx, host: { ...ctx.host, which: () => Promise.resolve(undefined) } };
  const config = loadConfig({
    flags: { images: { registry: `${address}/none`, mirror: "http://127.0.0.1:9/debian" } },
  });
  // Under a name that nothing has: the engine may have bootstrapped any suite.
  const missing = {
    ...basePlan("bullseye", config.images, "x86_64"),
    bootstrapTag: "kdock/base:missing",
  };
  await expect(ensureBase(poor, missing)).rejects.toMatchObject({
    code: "environment",
    hint: expect.stringContaining("mmdebstrap") as string,
  });
});

function plan(registryName: string) {
  const images = { registry: registryName, base: "registry" };
  return basePlan("trixie", loadConfig({ flags: { images } }).images, "x86_64");
}

function context(events: Event[]): Context {
  return {
    host: createNodeHost({ env: process.env }),
    reporter: { emit: (event) => events.push(event), pause: () => undefined },
    signal: AbortSignal.timeout(120_000),
    folder,
    self: [],
    version: "0.0.0-test",
    assets: new Map(),
    engineIsHere: () => true,
    repositoryAt: () => Promise.resolve(undefined),
    engine: () => Promise.resolve(engine),
    terminal: undefined as never,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: undefined,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/** The registry listens a moment after its start. */
async function pushed(ref: string): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      await docker("push", ref);
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
