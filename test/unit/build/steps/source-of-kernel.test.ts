import { appendFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { loadConfig } from "../../../../src/config/layers.js";
import { createNodeHost } from "../../../../src/host/node-host.js";
import { makePlan } from "../../../../src/build/plan/plan.js";
import { readAssets } from "../../../../src/app/project.js";
import { type Project } from "../../../../src/build/project.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { withBuiltKernel } from "../../../../src/vm/steps/kernels.js";
import { scanTree } from "../../../../src/tree/steps/scan-tree.js";
import { sourceOfKernel } from "../../../../src/build/steps/source-of-kernel.js";
import { makeToyTree } from "../../../support/toy-tree.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { NO_FILES } from "../../fixtures.js";

const at = useTemporaryFolder();
const host = createNodeHost({ env: {} });
const assets = await readAssets(host.files);
const KEY = "0123456789abcdef";

function context(): Context {
  return {
    ...{ host, assets, folder: at(), engineIsHere: () => true },
    signal: new AbortController().signal,
    reporter: { emit: () => undefined, pause: () => undefined },
  } as unknown as Context;
}

/** The manifest of a kernel built from the current tree. */
async function builtFromTree() {
  await makeToyTree(at("linux"));
  const ctx = context();
  const { content, saved } = await scanTree(ctx, at("linux"));
  await saved;
  const inputs = { source: "a local tree", toolchain: "gcc-14", "source tree": content.digest };
  return { ctx, manifest: { inputs } };
}

it("sourceOfKernel is the tree of the last scan, if its content is the same", async () => {
  const { ctx, manifest } = await builtFromTree();
  expect(await sourceOfKernel(ctx, manifest)).toMatchObject({
    source: `path:${at("linux")}`,
    tree: { folder: at("linux"), transport: "mount" },
  });
  const patched = { inputs: { ...manifest.inputs, patches: "one.patch" } };
  expect(await sourceOfKernel(ctx, patched)).toMatchObject({ tree: { transport: "copy" } });
  await appendFile(at("linux/init/main.c"), "int more;\n");
  expect(await sourceOfKernel(ctx, manifest)).toBeUndefined();
});

it("sourceOfKernel is the named source, or undefined for a local tree without a scan", async () => {
  const ctx = context();
  const named = { inputs: { source: "debian:6.12" } };
  expect(await sourceOfKernel(ctx, named)).toEqual({ source: "debian:6.12", tree: undefined });
  expect(await sourceOfKernel(ctx, { inputs: { source: "a local tree" } })).toBeUndefined();
});

/** The project after `kdock build` of that kernel. */
async function projectWith(ctx: Context, inputs: Record<string, string>): Promise<Project> {
  for (const stage of ["kernel", "busybox", "rootfs"]) {
    await mkdir(at(`.kdock/out/${stage}/${KEY}`), { recursive: true });
    await mkdir(at(`.kdock/out/set/${KEY}`), { recursive: true });
    const manifest = { kdock: 1, stage, key: KEY, inputs, resolved: {}, files: [] };
    await writeFile(at(`.kdock/out/${stage}/${KEY}/manifest.json`), JSON.stringify(manifest));
    await symlink(`../../${stage}/${KEY}`, at(`.kdock/out/set/${KEY}/${stage}`));
  }
  const config = loadConfig({});
  const plan = makePlan({ engine: "x86_64", folder: at(), config, assets, user: NO_FILES });
  return { ctx, config, user: NO_FILES, plan } as unknown as Project;
}

it("withBuiltKernel finds a kernel from a local tree by its key, with its source if that exists", async () => {
  const { ctx, manifest } = await builtFromTree();
  const project = await projectWith(ctx, manifest.inputs);
  const { plan, built } = await withBuiltKernel(project, KEY);
  expect(built?.source).toBe("a local tree");
  expect(plan.kernel.key).toBe(KEY);
  expect(plan.kernel.container.hostPaths).toEqual([
    { path: at("linux"), target: "/src", readOnly: true },
  ]);

  await appendFile(at("linux/init/main.c"), "int more;\n");
  const { kernel } = (await withBuiltKernel(project, KEY)).plan;
  expect(kernel.key).toBe(KEY);
  expect(kernel.container).toMatchObject({ mounts: [], hostPaths: [] });
});

it("withBuiltKernel does not use kdock.yaml's tree for another kernel", async () => {
  const { ctx } = await builtFromTree();
  const project = await projectWith(ctx, { source: "debian:6.12", toolchain: "gcc-14" });
  const tree = { folder: at("linux"), version: "6.12.3", transport: "mount" } as const;
  const other = { ...project, user: { ...NO_FILES, tree } };
  const { kernel } = (await withBuiltKernel(other, KEY)).plan;
  expect(kernel.container.hostPaths ?? []).toEqual([]);
  expect(kernel.container.mounts.map(({ target }) => target)).toContain("/src");
});
