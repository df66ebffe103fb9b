import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packTar, type TarEntry } from "../../src/archive/tar.js";
import type { Host } from "../../src/host/host.js";
import { createNodeHost } from "../../src/host/node-host.js";
import type { BasePlan } from "../../src/build/plan/image-plan.js";
import { type BaseImage, ensureBase } from "../../src/build/steps/base-image.js";
import type { Context } from "../../src/core/steps/context.js";
import { openLab, type Lab } from "./lab.js";

/** Some day before the tests run: nothing may be dated later. */
const TIME = "20260901T000000Z";
const EPOCH = String(Date.UTC(2026, 8, 1) / 1000);

let lab: Lab;
let folder: string;
let base: BaseImage;
beforeAll(async () => {
  lab = await openLab();
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-repro-")));
  base = await ensureBase(context(), basePlan("first"));
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  // All its names go with it.
  await lab.engine.removeImage(base.info.id);
  await rm(folder, { recursive: true });
});

describe("a bootstrapped base image", () => {
  it("is the same image wherever it is made, and knows its fingerprint", async () => {
    const again = await ensureBase(context(withOtherModes), basePlan("second"));
    expect(again.info.id).toBe(base.info.id);
    expect(base.fingerprint).toMatch(/^[\da-f]{64}$/);
    expect(again.fingerprint).toBe(base.fingerprint);
    expect(await readdir(join(folder, ".kdock"))).toEqual(["logs"]);
  });

  it("is the same image from a mirror that somebody names", async () => {
    // The one that this machine asks, whichever it is.
    const targets = ["indextargets", "--format", "$(REPO_URI)"];
    const { stdout } = await execa("apt-get", targets);
    const mirror = stdout.split("\n").find((address) => /\/debian\/?$/.test(address));
    if (mirror === undefined) throw new Error("this machine's apt asks no mirror of Debian");
    const named = await ensureBase(context(), basePlan("named", { mirror }));
    expect(named.info.id).toBe(base.info.id);
  });

  it("is found again under its fingerprint once it is locked", async () => {
    const digest = base.fingerprint ?? "";
    const { bootstrapTag } = basePlan("first");
    const plan = basePlan("first", {
      bootstrapTag: `${bootstrapTag}-${digest.slice(0, 12)}`,
      pin: { from: "bootstrap", digest, time: TIME, packages: {} },
    });
    expect(await ensureBase(context(), plan)).toMatchObject({ info: { id: base.info.id } });
  });
});

describe("an image that is built twice without a cache", () => {
  it("has the same layers", async () => {
    const first = await build("images/gdb/Dockerfile", {});
    const second = await build("images/gdb/Dockerfile", {});
    expect(second.layers).toEqual(first.layers);
  });

  it("fails on a version that no mirror has, and says which", async () => {
    const lines: string[] = [];
    const args = { PINS: "gdb=0.1 no-such-package=1:2.3" };
    const built = build("images/gdb/Dockerfile", args, (line) => lines.push(line));
    await expect(built).rejects.toMatchObject({
      code: "build",
      message: expect.stringContaining("exit code: 65") as string,
    });
    expect(lines).toContain("@kdock drift no-such-package 1:2.3 none");
    expect(lines).toContainEqual(expect.stringMatching(/^@kdock drift gdb 0\.1 \d/));
  });
});

function build(
  dockerfile: string,
  args: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
) {
  return lab.engine.buildImage(
    {
      context: buildContext(dockerfile),
      dockerfile,
      tag: `${lab.name("repro")}:latest`,
      args: { BASE: base.ref, SOURCE_DATE_EPOCH: EPOCH, ...args },
      labels: lab.labels,
      noCache: true,
    },
    { signal: lab.signal, onLine },
  );
}

/** The folders that the Dockerfile takes something from, whole. */
function buildContext(dockerfile: string): Readable {
  async function* entries(): AsyncGenerator<TarEntry> {
    for (const folder of ["images/apt", "images/gdb"]) {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        yield { path, kind: "file", mode: 0o644, content: await readFile(path) };
      }
    }
    if (!dockerfile.startsWith("images/gdb/"))
      throw new Error(`${dockerfile} is not in the context`);
  }
  return packTar(entries());
}

function basePlan(name: string, change: Partial<BasePlan> = {}): BasePlan {
  return {
    suite: "trixie",
    architecture: "x86_64",
    registryRef: undefined,
    bootstrapTag: `${lab.name("base")}:${name}`,
    mirror: undefined,
    snapshot: undefined,
    pin: undefined,
    ...change,
  };
}

/** Runs a program where files that mmdebstrap copies from this machine have other modes; the machine's own stay as they are. */
function withOtherModes(argv: readonly string[]): readonly string[] {
  const script = ["hostname", "resolv.conf"]
    .flatMap((name) => [
      `mode=$(stat -c %a /etc/${name}); cp /etc/${name} ${folder}/${name}`,
      `if [ $mode = 644 ]; then chmod 755 ${folder}/${name}; else chmod 644 ${folder}/${name}; fi`,
      `mount --bind ${folder}/${name} /etc/${name}; rm ${folder}/${name}`,
    ])
    .join("\n");
  return ["unshare", "--mount", "sh", "-ec", `${script}\nexec "$@"`, "sh", ...argv];
}

function context(around = (argv: readonly string[]) => argv): Context {
  const host = createNodeHost({ env: process.env });
  const stream: Host["stream"] = (argv, options) => host.stream(around(argv), options);
  return {
    // An unlocked base is dated by the clock.
    host: { ...host, stream, now: () => Number(EPOCH) * 1000 },
    reporter: { emit: () => undefined, pause: () => undefined },
    signal: lab.signal,
    folder,
    self: [],
    version: "0.0.0-test",
    assets: new Map(),
    engineIsHere: () => true,
    repositoryAt: () => Promise.resolve(undefined),
    engine: () => Promise.resolve(lab.engine),
    terminal: undefined as never,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: undefined,
  };
}
