import type { Container, ContainerSpec, Engine, Mount } from "../../engine/engine.js";
import { kernelVolumes } from "../../build/plan/build-plan.js";
import { builtKernel } from "../../build/plan/built-kernels.js";
import {
  mount,
  sourceMounts,
  type SymbolsVolume,
  treePaths,
} from "../../build/plan/debugger-plan.js";
import type { HostPath } from "../../core/plan/container-spec.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { sourceHostPaths } from "../../build/plan/tree-plan.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { readManifest } from "../../core/steps/artifact-store.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { fetchSource } from "../../build/steps/run-build.js";
import { runStep } from "../../core/steps/run-step.js";
import { sourceOfKernel } from "../../build/steps/source-of-kernel.js";
import { ensureSymbols, isWhole } from "../../vm/steps/symbols.js";

/**
 * Creates a debugger's container with a kernel's symbols and its existing volumes. Holds the project's mutex: the
 * symbols volume is shared with later sessions.
 */
export async function withSymbols(
  ctx: Context,
  plan: Plan,
  kernelKey: string,
  specOf: (symbols: SymbolsVolume, volumes: readonly Mount[]) => ContainerSpec,
): Promise<Container> {
  await using _mutex = await projectMutex(ctx);
  const engine = await ctx.engine();
  const isOther = kernelKey !== plan.kernel.key;
  const existing = isOther ? await volumeNames(engine) : await withSource(ctx, engine, plan);
  const { mounts, hostPaths } = isOther
    ? await mountsOf(ctx, plan, kernelKey)
    : { mounts: sourceMounts(plan.kernel), hostPaths: treePaths(plan.kernel, kernelKey) };
  // The engine would create a missing volume on mount.
  const volumes = [...mounts, mount(plan.names.moduleVolume, INSIDE.modules, true)].filter(
    ({ volume }) => existing.has(volume),
  );
  for (;;) {
    const symbols = await ensureSymbols(ctx, plan, kernelKey);
    const spec = { ...specOf(symbols, volumes), hostPaths };
    const container = await engine.createContainer(spec, ctx.signal);
    try {
      if (await isWhole(ctx, container)) return container;
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
    await container[Symbol.asyncDispose]();
    await engine.removeVolume(symbols.name);
  }
}

/** Source and objects of a kernel other than the one in kdock.yaml, from its manifest. */
async function mountsOf(
  ctx: Context,
  { names }: Plan,
  kernelKey: string,
): Promise<{ mounts: readonly Mount[]; hostPaths: readonly HostPath[] }> {
  const manifest = await readManifest(ctx, "kernel", kernelKey);
  const origin = manifest && (await sourceOfKernel(ctx, manifest));
  if (manifest === undefined || origin === undefined) return { mounts: [], hostPaths: [] };
  const { source, tree } = origin;
  const { toolchain, arch } = builtKernel(manifest, { builtAt: 0, current: false });
  const volumes = kernelVolumes(names, { source, compiler: toolchain, arch }, { tree });
  return {
    mounts: volumes.map(([volume, target]) => ({ volume, target, readOnly: true })),
    hostPaths: sourceHostPaths({ tree }).hostPaths ?? [],
  };
}

async function volumeNames(engine: Engine): Promise<ReadonlySet<string>> {
  return new Set((await engine.listVolumes({})).map(({ name }) => name));
}

/** The names of all volumes; fetches the source first if its volume is missing, as on an engine that did not build the artifacts. */
async function withSource(ctx: Context, engine: Engine, plan: Plan): Promise<ReadonlySet<string>> {
  const existing = await volumeNames(engine);
  if (sourceMounts(plan.kernel).every(({ volume }) => existing.has(volume))) return existing;
  await ensureImage(ctx, plan.kernel.image, { noCache: false });
  await runStep(ctx, "source", `source of ${plan.kernel.title}`, async (log) => {
    await fetchSource(ctx, plan.kernel, log);
    return { value: undefined, cached: false };
  });
  return volumeNames(engine);
}
