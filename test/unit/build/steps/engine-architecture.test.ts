import { mkdir, readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { EarlyContext } from "../../../../src/core/steps/context.js";
import {
  askArchitecture,
  requireArchitecture,
} from "../../../../src/build/steps/engine-architecture.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const at = useTemporaryFolder();
const HERE = { place: "unix:///here", ask: true };

/** A context with an engine on a machine, or one that cannot be reached. */
function context(machine: string | undefined, own = "x86_64") {
  let asked = 0;
  const engine = () => {
    asked += 1;
    return machine === undefined
      ? Promise.reject(new KdockError("environment", "no engine"))
      : Promise.resolve({
          info: () => Promise.resolve({ architecture: machine, endpoint: "unix:///here" }),
        });
  };
  const host = { ...createNodeHost({ env: {} }), machine: own };
  const ctx = { host, folder: at(), engine, signal: new AbortController().signal };
  return { ctx: ctx as unknown as EarlyContext, asked: () => asked };
}

it("askArchitecture queries an engine once, and caches the result in a project with builds", async () => {
  expect(await askArchitecture(context("aarch64").ctx, HERE)).toBe("arm64");
  await expect(readFile(at(".kdock/engine.json"))).rejects.toThrow("ENOENT");
  await mkdir(at(".kdock"));
  expect(await askArchitecture(context("aarch64").ctx, HERE)).toBe("arm64");
  const later = context("x86_64");
  expect(await askArchitecture(later.ctx, HERE)).toBe("arm64");
  expect(later.asked()).toBe(0);
});

it("askArchitecture queries again for another address, and if the cache is invalid", async () => {
  await mkdir(at(".kdock"));
  await askArchitecture(context("aarch64").ctx, HERE);
  const elsewhere = { place: "ssh://there", ask: true };
  expect(await askArchitecture(context("x86_64").ctx, elsewhere)).toBe("x86_64");
  await writeFile(at(".kdock/engine.json"), '{"place":"unix:///he');
  expect(await askArchitecture(context("aarch64").ctx, HERE)).toBe("arm64");
});

it("askArchitecture returns the host's architecture if no engine answers, or none is to be used", async () => {
  expect(await askArchitecture(context(undefined, "aarch64").ctx, HERE)).toBe("arm64");
  const { ctx, asked } = context("x86_64", "aarch64");
  expect(await askArchitecture(ctx, { ...HERE, ask: false })).toBe("arm64");
  expect(asked()).toBe(0);
  expect(await askArchitecture(context(undefined, "riscv64").ctx, HERE)).toBe("x86_64");
});

it("askArchitecture rejects an architecture without images", async () => {
  await expect(askArchitecture(context("s390x").ctx, HERE)).rejects.toThrow("machine is s390x");
});

it("requireArchitecture removes the cached architecture if the engine has another", async () => {
  await mkdir(at(".kdock"));
  await askArchitecture(context("aarch64").ctx, HERE);
  await expect(requireArchitecture(context("x86_64").ctx, "arm64")).rejects.toThrow(
    "runs on x86_64, and ran on arm64 before",
  );
  const { ctx } = context("x86_64");
  expect(await askArchitecture(ctx, HERE)).toBe("x86_64");
  await requireArchitecture(ctx, "x86_64");
});
