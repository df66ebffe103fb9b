import { packTar, type TarEntry } from "../../archive/tar.js";
import type { Engine } from "../../engine/engine.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import { counted } from "../../core/plan/counted.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { Explanation } from "../plan/verification.js";
import { explainContainer, explainImage } from "../plan/verify-plan.js";
import { ensureBase } from "../../build/steps/base-image.js";
import { ensureDerived } from "../../build/steps/builder-image.js";
import type { Context } from "../../core/steps/context.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep } from "../../core/steps/run-step.js";

export interface Differing {
  /** Paths below both folders. */
  readonly files: readonly string[];
  /** Absolute paths of the first and the second build's artifacts. */
  readonly first: string;
  readonly second: string;
  /** The build plan of the files; undefined for the initramfs, which kdock packs itself. */
  readonly plan: BuildPlan | undefined;
  /** The second build's volume of objects. */
  readonly objects: string | undefined;
}

/** Runs diffoscope and kdock's rules on files that differ, in a container without network. */
export async function explain(
  ctx: Context,
  plan: Plan,
  differing: Differing,
): Promise<Explanation[]> {
  const base = await ensureBase(ctx, plan.busybox.image.base);
  const image = explainImage(base.ref, plan.busybox.image, ctx.assets);
  await ensureDerived(ctx, image);
  const engine = await ctx.engine();
  const known = await withObjects(engine, differing);
  return runStep(ctx, "explain", counted(differing.files.length, "differing file"), async (log) => {
    const found: Explanation[] = [];
    const spec = explainContainer(known.plan, plan.names, image, known.objects, known.files);
    await runContainer(ctx, spec, {
      prepare: async (container) => {
        await container.putArchive("/", packTar(pairs(ctx, known)));
      },
      onLine: (line) => {
        if (line.startsWith("{")) found.push(JSON.parse(line) as Explanation);
        else log.line(line);
      },
    });
    return { value: found, cached: false };
  });
}

/** Leaves out the objects unless all volumes exist: a mount would create missing ones, and both builds' objects are needed. */
async function withObjects(engine: Engine, differing: Differing): Promise<Differing> {
  const { plan } = differing;
  if (plan === undefined) return differing;
  const wanted = plan.container.mounts
    .filter(({ target }) => target !== INSIDE.ccache)
    .map(({ volume }) => volume);
  const there = new Set((await engine.listVolumes({})).map(({ name }) => name));
  return wanted.every((name) => there.has(name))
    ? differing
    : { ...differing, plan: undefined, objects: undefined };
}

async function* pairs(ctx: Context, { files, first, second }: Differing): AsyncGenerator<TarEntry> {
  for (const [side, folder] of [
    ["a", first],
    ["b", second],
  ] as const) {
    for (const file of files) {
      const path = `${folder}/${file}`;
      if (!(await ctx.host.files.exists(path))) continue;
      const content = await ctx.host.files.readBytes(path);
      yield { path: `${side}/${file}`, kind: "file", mode: 0o644, content };
    }
  }
}
