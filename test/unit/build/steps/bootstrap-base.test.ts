import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packTar } from "../../../../src/archive/tar.js";
import { tarFingerprint } from "../../../../src/archive/tar-fingerprint.js";
import type { Engine, ImageInfo } from "../../../../src/engine/engine.js";
import { KdockError } from "../../../../src/core/errors.js";
import type { RunOptions } from "../../../../src/host/host.js";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { BasePlan } from "../../../../src/build/plan/image-plan.js";
import { ensureBase } from "../../../../src/build/steps/base-image.js";
import type { Context } from "../../../../src/core/steps/context.js";

const TIME = "20261101T120000Z";
const SNAPSHOT = "https://snapshot.example/debian/@SNAPSHOTID@";

let folder: string;
let pulled: string[];
let loaded: ImageInfo[];
let runs: (readonly string[])[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-base-"));
  [pulled, loaded, runs] = [[], [], []];
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A root file system with one package. */
function rootfs(version: string): Readable {
  const status = `Package: bash\nStatus: install ok installed\nVersion: ${version}\n`;
  const content = Buffer.from(status);
  return packTar([{ path: "./var/lib/dpkg/status", kind: "file", mode: 0o644, content }]);
}

const locked = async (version: string) => ({
  from: "bootstrap" as const,
  digest: await tarFingerprint(rootfs(version)),
  time: TIME,
  packages: { bash: version },
});

const plan = (change: Partial<BasePlan>): BasePlan => ({
  suite: "trixie",
  architecture: "x86_64",
  registryRef: "registry.example/debian:trixie-slim",
  bootstrapTag: "kdock/base:trixie",
  mirror: undefined,
  snapshot: undefined,
  pin: undefined,
  ...change,
});

/** Mirrors have version 2 of the package; the snapshot archive has version 1. */
function context(interrupt = new AbortController(), onRun: () => void = () => undefined): Context {
  const host = createNodeHost({ env: process.env });
  const stream = (argv: readonly string[], options: RunOptions) => {
    if (argv[0] !== "mmdebstrap") return host.stream(argv, options);
    runs.push(argv);
    onRun();
    return Promise.resolve(rootfs(argv.at(-1)?.includes("snapshot.example") === true ? "1" : "2"));
  };
  // The mirror has security updates beside it; the snapshot archive has only the suite.
  const capture = (argv: readonly string[], { onStderr }: RunOptions) => {
    if (argv[0] === "mmdebstrap") onStderr?.("kdock-source: deb http://usual.example/ trixie main");
    return argv.some((word) =>
      word.includes("mirror.example/debian-security/dists/trixie-security/"),
    )
      ? Promise.resolve("")
      : Promise.reject(new KdockError("environment", "404"));
  };
  return {
    host: { ...host, stream, capture, which: () => Promise.resolve("/usr/bin/mmdebstrap") },
    reporter: { emit: () => undefined, pause: () => undefined },
    signal: interrupt.signal,
    folder,
    self: [],
    version: "0.0.0-test",
    assets: new Map(),
    engineIsHere: () => true,
    repositoryAt: () => Promise.resolve(undefined),
    engine: () => Promise.resolve(engine as Engine),
    terminal: undefined as never,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: undefined,
  };
}

const engine: Pick<Engine, "findImage" | "pullImage" | "loadImage"> = {
  findImage: (ref) => Promise.resolve(loaded.find(({ tags }) => tags.includes(ref))),
  pullImage: (ref) => {
    pulled.push(ref);
    return Promise.reject(new KdockError("engine", "no registry"));
  },
  async loadImage(archive, { tag }) {
    let json = "";
    for await (const chunk of archive as AsyncIterable<Uint8Array>) json += String(chunk);
    const [, fingerprint = ""] = /"io.kdock.fingerprint":"([\da-f]+)"/.exec(json) ?? [];
    const image = { id: "sha256:1", tags: [tag], repoDigests: [], layers: [], sizeBytes: 0 };
    const info = { ...image, labels: { "io.kdock.fingerprint": fingerprint }, createdAt: 0 };
    loaded.push(info);
    return info;
  },
};

describe("a base image that is not locked", () => {
  it("is bootstrapped if no registry answers, and removes the tar afterwards", async () => {
    const base = await ensureBase(context(), plan({}));
    expect(pulled).toHaveLength(1);
    expect(base.fingerprint).toBe((await locked("2")).digest);
    expect(await readdir(join(folder, ".kdock"))).toEqual(["logs"]);
  });

  it("uses the security updates of the mirror, and does not store the mirror", async () => {
    await ensureBase(context(), plan({ mirror: "http://mirror.example/debian" }));
    const [argv = []] = runs;
    expect(argv.slice(-3)).toEqual([
      "-",
      "deb http://mirror.example/debian trixie main",
      "deb http://mirror.example/debian-security trixie-security main",
    ]);
    expect(argv.join("\n")).toContain(
      `printf '%s\\n' 'deb http://usual.example/ trixie main' > "$1"/etc/apt/sources.list`,
    );
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const interrupt = new AbortController();
    const reason = new KdockError("interrupted", "interrupted");
    const ctx = context(interrupt, () => {
      interrupt.abort(reason);
    });
    await expect(ensureBase(ctx, plan({ registryRef: undefined }))).rejects.toBe(reason);
    expect(loaded).toEqual([]);
    expect((await readdir(join(folder, ".kdock"))).filter((name) => name !== "logs")).toEqual([]);
  });
});

describe("a base image that is locked", () => {
  it("uses no registry if it was bootstrapped", async () => {
    const base = await ensureBase(context(), plan({ pin: await locked("2") }));
    expect(pulled).toEqual([]);
    expect(base.ref).toBe("kdock/base:trixie");
  });

  it("is pulled only by its digest if it came from a registry", async () => {
    const digest = `debian@sha256:${"a".repeat(64)}`;
    const pin = { from: "registry", digest, time: TIME, packages: {} } as const;
    await expect(ensureBase(context(), plan({ pin }))).rejects.toMatchObject({ code: "engine" });
    expect(pulled).toEqual([`registry.example/debian@sha256:${"a".repeat(64)}`]);
    expect(runs).toEqual([]);
  });

  it.each([
    ["registry", { registryRef: undefined }],
    ["bootstrap", { bootstrapTag: undefined }],
  ] as const)("from a %s is an error if that is not allowed", async (from, change) => {
    const pin = { from, digest: "a".repeat(64), time: TIME, packages: {} };
    await expect(ensureBase(context(), plan({ pin, ...change }))).rejects.toMatchObject({
      code: "environment",
      hint: expect.stringContaining("kdock lock --update base") as string,
    });
  });

  it("is an error that lists packages with other versions", async () => {
    const pin = await locked("1");
    await expect(ensureBase(context(), plan({ pin }))).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(/has changed.*\n {2}bash 1 → 2$/) as string,
      hint: expect.stringContaining("images.snapshot") as string,
    });
    expect(loaded).toEqual([]);
  });

  it("comes from the snapshot archive if the mirror has newer packages", async () => {
    const pin = await locked("1");
    const base = await ensureBase(context(), plan({ pin, snapshot: SNAPSHOT }));
    expect(base.fingerprint).toBe(pin.digest);
    expect(runs.map((argv) => argv.at(-1))).toEqual([
      "-",
      "deb [check-valid-until=no] https://snapshot.example/debian/20261101T120000Z trixie main",
    ]);
  });

  it("is an error if neither has it, after the snapshots of a day", async () => {
    const pin = await locked("3");
    const ensured = ensureBase(context(), plan({ pin, snapshot: SNAPSHOT }));
    await expect(ensured).rejects.toMatchObject({ code: "environment" });
    expect(runs.map((argv) => /\d{8}T\d{6}Z/.exec(argv.at(-1) ?? "")?.[0])).toEqual([
      ...[undefined, "20261101T120000Z", "20261102T000000Z", "20261102T120000Z"],
    ]);
  });

  it("passes its time to mmdebstrap", async () => {
    const ctx = context();
    const environments: unknown[] = [];
    const stream = (argv: readonly string[], options: RunOptions) => {
      if (argv[0] === "mmdebstrap") environments.push(options.env);
      return ctx.host.stream(argv, options);
    };
    await ensureBase({ ...ctx, host: { ...ctx.host, stream } }, plan({ pin: await locked("2") }));
    const seconds = String(Date.UTC(2026, 10, 1, 12) / 1000);
    expect(environments).toEqual([{ SOURCE_DATE_EPOCH: seconds }]);
  });
});
