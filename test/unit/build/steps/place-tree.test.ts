import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readTar } from "../../../../src/archive/read-tar.js";
import { packTar } from "../../../../src/archive/tar.js";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { BuildPlan } from "../../../../src/build/plan/build-plan.js";
import type { ContainerSpec } from "../../../../src/core/plan/container-spec.js";
import type { Container } from "../../../../src/engine/engine.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { beginTreeBuild } from "../../../../src/build/steps/place-tree.js";
import { scanTree } from "../../../../src/tree/steps/scan-tree.js";
import type { StepLog } from "../../../../src/core/steps/run-step.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

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

/** Whether a builder has to discard its objects; `output` is its last line. */
async function discards(command: string, output = "@kdock phase configure"): Promise<boolean> {
  const ctx = context();
  const scanned = await scanTree(ctx, at("linux"));
  const tree = { folder: at("linux"), version: "6.12", transport: "mount", ...scanned };
  const mounts = [{ volume: "objects", target: "/build", readOnly: false }];
  const spec = { command: [command], mounts } as unknown as ContainerSpec;
  await using build = await beginTreeBuild(ctx, { tree } as unknown as BuildPlan, spec);
  const sent = await build.send({} as Container, {} as StepLog);
  build.onLine(output);
  // The folder is removed after the test, and an index that is still written would keep it.
  await scanned.saved;
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

const record = () => readFile(at(".kdock/trees/objects.built"), "utf8");

it("discards objects for a changed file with an old mtime only", async () => {
  await tree();
  expect(await discards("all")).toBe(false);
  await put("main.c", "two", new Date(Date.now() + 10_000));
  expect(await discards("all")).toBe(false);
  await put("Makefile", "VERSION = 7\n", OLD);
  expect(await discards("all")).toBe(true);
  expect(await discards("all")).toBe(false);
});

it("keeps the discard flag until a build has run configure", async () => {
  await tree();
  expect(await discards("all")).toBe(false);
  await put("main.c", "two", OLD);
  const before = await record();
  // A run that only fetches the source does not change the flag.
  expect(await discards("source")).toBe(false);
  expect(await record()).toBe(before);
  expect(await discards("all", "error: lost the engine")).toBe(true);
  expect(await discards("all", "error: lost the engine")).toBe(true);
  expect(await discards("all")).toBe(true);
  expect(await discards("all")).toBe(false);
});

it("discards objects after a killed build only if a file changed since its start", async () => {
  await tree();
  expect(await discards("all")).toBe(false);
  await writeFile(at(".kdock/trees/objects.built"), (await record()).replace(/^\S+/, "running"));
  expect(await discards("all")).toBe(false);
  await writeFile(at(".kdock/trees/objects.built"), (await record()).replace(/^\S+/, "running"));
  await put("main.c", "two");
  expect(await discards("all")).toBe(true);
});

it("compares with the tree of the last build, not with the last scan", async () => {
  await tree();
  expect(await discards("all")).toBe(false);
  for (const text of ["two", "three"]) {
    await put("main.c", text, new Date(Date.now() + 10_000));
    await (
      await scanTree(context(), at("linux"))
    ).saved;
  }
  expect(await discards("all")).toBe(false);
  await put("main.c", "four", OLD);
  await (
    await scanTree(context(), at("linux"))
  ).saved;
  await put("Makefile", "VERSION = 6\n\n", new Date(Date.now() + 10_000));
  expect(await discards("all")).toBe(true);
});

describe("a tree that is copied", () => {
  /** A builder's volume: its files and its digest; `whileSent` runs during the transfer. */
  function volume(whileSent: () => Promise<void> = () => Promise.resolve()) {
    const files = new Map<string, string>();
    const read = async (archive: Readable) => {
      await readTar(archive, async ({ name }, content) => {
        let text = "";
        for await (const chunk of content) text += Buffer.from(chunk).toString();
        files.set(name, text);
      });
    };
    let archives = 0;
    const container = {
      getArchive: () =>
        Promise.resolve(
          packTar([
            { path: "digest", kind: "file", mode: 0o644, content: Buffer.from(digest) },
          ] as const),
        ),
      async putArchive(_path: string, archive: Readable) {
        archives += 1;
        if (archives === 2) await whileSent();
        await read(archive);
      },
    } as unknown as Container;
    let digest = "";
    const send = async () => {
      const ctx = context();
      const scanned = await scanTree(ctx, at("linux"));
      const tree = { folder: at("linux"), version: "6.12", transport: "copy", ...scanned };
      const mounts = [{ volume: "src", target: "/src", readOnly: false }];
      const spec = { command: ["all"], mounts } as unknown as ContainerSpec;
      // The folder is removed after the test, and an index that is still written would keep it.
      await scanned.saved;
      await using build = await beginTreeBuild(ctx, { tree } as unknown as BuildPlan, spec);
      const log = { phase: () => undefined } as unknown as StepLog;
      archives = 0;
      const sent = await build.send(container, log);
      // As source-path.sh does when the container runs.
      digest = scanned.content.digest;
      return sent.map(({ path }) => path);
    };
    return { send, files };
  }

  it.each([
    ["changed with the same size", "two"],
    ["grew", "longer than before"],
    ["was removed", undefined],
  ])("is not built if a file %s during the transfer, and is sent again", async (_how, text) => {
    await tree();
    let edits = 0;
    const { send, files } = volume(async () => {
      edits += 1;
      if (edits > 1) return;
      if (text === undefined) await rm(at("linux/main.c"));
      else await put("main.c", text);
    });
    await expect(send()).rejects.toThrow(/^main\.c \(.*linux\) changed during the build/);
    // The tree has its old digest again, which the volume may claim to have.
    await put("main.c", "one");
    expect(await send()).toContain("tree.all");
    expect(files.get("main.c")).toBe("one");
    expect(await send()).toEqual([]);
  });
});
