import { KdockError } from "../../core/errors.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import { symbolsVolume } from "../../build/plan/debugger-plan.js";
import {
  type BuiltKernel,
  builtKernel,
  chooseKernel,
  configOfKernel,
} from "../../build/plan/built-kernels.js";
import { FOLDER, labels } from "../../core/plan/names.js";
import { LOCAL_TREE } from "../../build/plan/tree-plan.js";
import { type Project, replanned } from "../../build/project.js";
import {
  artifactFolder,
  artifactKeys,
  readCurrentManifest,
  readManifest,
} from "../../core/steps/artifact-store.js";
import { factsOf } from "./choose-vm.js";
import { type Context, inProject, projectMutex } from "../../core/steps/context.js";
import { type KernelSource, sourceOfKernel } from "../../build/steps/source-of-kernel.js";

/** The kernels that lie in .kdock/out, the newest first. Needs no engine. */
export async function listKernels(ctx: Context): Promise<BuiltKernel[]> {
  const current = (await readCurrentManifest(ctx, "kernel"))?.key;
  const kernels: BuiltKernel[] = [];
  for (const key of await artifactKeys(ctx, "kernel")) {
    const manifest = await readManifest(ctx, "kernel", key);
    if (manifest === undefined) continue;
    const builtAt = await modifiedAt(
      ctx,
      `${artifactFolder(ctx, "kernel", key)}/${FOLDER.manifest}`,
    );
    kernels.push(builtKernel(manifest, { builtAt, current: key === current }));
  }
  return kernels.sort((a, b) => b.builtAt - a.builtAt);
}

async function modifiedAt(ctx: Context, path: string): Promise<number> {
  return (await ctx.host.files.status(path))?.modified.getTime() ?? 0;
}

/**
 * The project with a kernel that is built in the place of the one that kdock.yaml asks for, and with the root file system
 * that was built with it: `build` has nothing to do for it. Rejects with a `usage` error that lists what there is.
 */
export async function withBuiltKernel(project: Project, word: string): Promise<Project> {
  const { ctx } = project;
  const kernel = chooseKernel(await listKernels(ctx), word);
  const set = await setOf(ctx, kernel.key);
  if (set === undefined) throw withoutRootfs(kernel);
  const { setKey, busybox, rootfs } = set;
  const manifest = await readManifest(ctx, "kernel", kernel.key);
  const from = manifest && (await sourceOfKernel(ctx, manifest));
  const { source, tree } = from ?? lostTree(ctx, kernel);
  const other = replanned(project, {
    config: configOfKernel(project.config, { ...kernel, source }),
    user: { ...project.user, tree },
  });
  const { plan } = other;
  return {
    ...other,
    built: kernel,
    plan: {
      ...plan,
      setKey,
      kernel: {
        ...(from === undefined ? withoutSource(plan.kernel) : plan.kernel),
        key: kernel.key,
      },
      busybox: { ...plan.busybox, key: busybox },
      rootfs: { ...plan.rootfs, key: rootfs },
    },
  };
}

/** In the place of a tree that is another one by now: nothing of it is looked at. */
function lostTree({ folder }: Context, { release }: BuiltKernel): KernelSource {
  return { source: `path:${folder}`, tree: { folder, version: release, transport: "mount" } };
}

function withoutSource(plan: BuildPlan): BuildPlan {
  return { ...plan, tree: undefined, container: { ...plan.container, mounts: [], hostPaths: [] } };
}

interface ArtifactSet {
  readonly setKey: string;
  readonly busybox: string;
  readonly rootfs: string;
}

/** The set with this kernel that is current, or else was the last one to be. */
async function setOf(ctx: Context, kernelKey: string): Promise<ArtifactSet | undefined> {
  const { files } = ctx.host;
  const current = await files
    .status(inProject(ctx, FOLDER.current))
    .then((status) => status?.target.split("/").at(-1));
  const found: (ArtifactSet & { readonly rank: number })[] = [];
  for (const setKey of await artifactKeys(ctx, "set")) {
    const folder = artifactFolder(ctx, "set", setKey);
    const [kernel, busybox, rootfs] = await Promise.all(
      ["kernel", "busybox", "rootfs"].map((stage) => linkedKey(ctx, `${folder}/${stage}`)),
    );
    if (kernel !== kernelKey || busybox === undefined || rootfs === undefined) continue;
    if ((await readManifest(ctx, "rootfs", rootfs)) === undefined) continue;
    const rank = setKey === current ? Number.POSITIVE_INFINITY : await modifiedAt(ctx, folder);
    found.push({ setKey, busybox, rootfs, rank });
  }
  return found.sort((a, b) => b.rank - a.rank)[0];
}

async function linkedKey(ctx: Context, link: string): Promise<string | undefined> {
  return (await ctx.host.files.status(link))?.target.split("/").at(-1);
}

function withoutRootfs({ key, source: from, preset }: BuiltKernel): KdockError {
  const source = from === LOCAL_TREE ? "./FOLDER" : from;
  return new KdockError("usage", `the kernel ${key} was built without a root file system`, {
    hint: `Build it whole, once: \`kdock build --kernel ${source} --preset ${preset}\` (the kernel itself is not built again).`,
  });
}

/**
 * Removes kernels, with the sets that they are part of and gdb's index of them. Rejects with a `usage` error, and removes
 * nothing, when one of them is current, or is what a VM runs. Returns those that are gone.
 */
export async function removeKernels(
  project: Project,
  words: readonly string[],
): Promise<BuiltKernel[]> {
  const { ctx, plan } = project;
  await using _mutex = await projectMutex(ctx);
  const kernels = await listKernels(ctx);
  const chosen = [...new Set(words.map((word) => chooseKernel(kernels, word)))];
  const inUse = chosen.find(({ current }) => current);
  if (inUse !== undefined) {
    throw new KdockError("usage", `the kernel ${inUse.key} is what \`kdock run\` boots now`, {
      hint: "Build another one first, or have all that was built removed: `kdock clean --all`.",
    });
  }
  const engine = await ctx.engine();
  const running = await engine.listContainers(labels("vm", plan.names.id));
  for (const { key } of chosen) {
    const vm = running.map(factsOf).find(({ kernelKey }) => kernelKey === key);
    if (vm === undefined) continue;
    throw new KdockError("usage", `the VM ${vm.slot.name} runs the kernel ${key}`, {
      hint: `End it first: \`kdock stop ${vm.slot.name}\`.`,
    });
  }
  for (const { key } of chosen) {
    ctx.signal.throwIfAborted();
    await removeKernel(ctx, key);
    await engine.removeVolume(symbolsVolume(plan.names, key).name);
  }
  return chosen;
}

/** Its artifacts. What refers to them goes first: a set whose kernel is gone would be half of one. */
export async function removeKernel(ctx: Context, key: string): Promise<void> {
  for (const setKey of await artifactKeys(ctx, "set")) {
    const set = artifactFolder(ctx, "set", setKey);
    if ((await linkedKey(ctx, `${set}/kernel`)) === key) await ctx.host.files.remove(set);
  }
  await ctx.host.files.remove(artifactFolder(ctx, "kernel", key));
}
