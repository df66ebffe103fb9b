import { readFile, utimes, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { createNodeHost } from "../../../src/host/node-host.js";
import type { BuildPlan } from "../../../src/plan/build-plan.js";
import type { ContainerSpec } from "../../../src/plan/container-spec.js";
import type { Container } from "../../../src/engine/engine.js";
import type { Context } from "../../../src/steps/context.js";
import { beginTreeBuild } from "../../../src/steps/place-tree.js";
import { scanTree } from "../../../src/steps/scan-tree.js";
import type { StepLog } from "../../../src/steps/run-step.js";
import { useTemporaryFolder } from "../host/temporary-folder.js";

const at = useTemporaryFolder();
const OLD = new Date("2020-01-01T00:00:00Z");

function context(): Context {
  return {
    host: createNodeHost({ env: process.env }),
    folder: at(),
    signal: new AbortController().signal,
    reporter: { emit: () => undefined, pause: () => undefined },
  } as unknown as Context;
}

/** Whether a builder was told to forget its objects; `says` is what it says before it ends. */
async function forgets(command: string, says = "@kdock phase configure"): Promise<boolean> {
  const ctx = context();
  const scanned = await scanTree(ctx, at("linux"));
  const tree = { folder: at("linux"), version: "6.12", transport: "mount", ...scanned };
  const mounts = [{ volume: "objects", target: "/build", readOnly: false }];
  const spec = { command: [command], mounts } as unknown as ContainerSpec;
  await using build = await beginTreeBuild(ctx, { tree } as unknown as BuildPlan, spec);
  const sent = await build.send({} as Container, {} as StepLog);
  build.onLine(says);
  return sent.some(({ path }) => path === "forget-objects");
}

async function put(name: string, text: string, time?: Date) {
  await writeFile(at(`linux/${name}`), text);
  if (time !== undefined) await utimes(at(`linux/${name}`), time, time);
}

async function tree() {
  await createNodeHost({ env: {} }).files.makeFolder(at("linux"));
  await put("Makefile", "VERSION = 6\n", OLD);
  await put("main.c", "one");
}

const note = () => readFile(at(".kdock/trees/objects.built"), "utf8");

it("objects are forgotten for a file that changed without getting younger, and no other", async () => {
  await tree();
  expect(await forgets("all")).toBe(false);
  await put("main.c", "two", new Date(Date.now() + 10_000));
  expect(await forgets("all")).toBe(false);
  await put("Makefile", "VERSION = 7\n", OLD);
  expect(await forgets("all")).toBe(true);
  expect(await forgets("all")).toBe(false);
});

it("stay to be forgotten until a builder has come past it", async () => {
  await tree();
  expect(await forgets("all")).toBe(false);
  await put("main.c", "two", OLD);
  const before = await note();
  // What only fetches a source has nothing to do with them.
  expect(await forgets("source")).toBe(false);
  expect(await note()).toBe(before);
  expect(await forgets("all", "error: the engine is gone")).toBe(true);
  expect(await forgets("all", "error: the engine is gone")).toBe(true);
  expect(await forgets("all")).toBe(true);
  expect(await forgets("all")).toBe(false);
});

it("are forgotten after a build that was killed only for what changed since it began", async () => {
  await tree();
  expect(await forgets("all")).toBe(false);
  await writeFile(at(".kdock/trees/objects.built"), (await note()).replace(/^\S+/, "running"));
  expect(await forgets("all")).toBe(false);
  await writeFile(at(".kdock/trees/objects.built"), (await note()).replace(/^\S+/, "running"));
  await put("main.c", "two");
  expect(await forgets("all")).toBe(true);
});

it("are compared with the tree that they are from, whoever has looked at it since", async () => {
  await tree();
  expect(await forgets("all")).toBe(false);
  for (const text of ["two", "three"]) {
    await put("main.c", text, new Date(Date.now() + 10_000));
    await (
      await scanTree(context(), at("linux"))
    ).kept;
  }
  expect(await forgets("all")).toBe(false);
  await put("main.c", "four", OLD);
  await (
    await scanTree(context(), at("linux"))
  ).kept;
  await put("Makefile", "VERSION = 6\n\n", new Date(Date.now() + 10_000));
  expect(await forgets("all")).toBe(true);
});
