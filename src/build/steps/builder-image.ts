import { Readable } from "node:stream";
import { packTar } from "../../archive/tar.js";
import type { ImageInfo } from "../../engine/engine.js";
import { type Assets, selectAssets } from "../../core/plan/assets.js";
import type { ImagePlan } from "../plan/image-plan.js";
import { readBuildLine } from "../../core/plan/build-log.js";
import { imageLabels } from "../../core/plan/names.js";
import type { DerivedImage } from "../plan/image-plan.js";
import { type BaseImage, ensureBase } from "./base-image.js";
import type { Context } from "../../core/steps/context.js";
import { driftError } from "./drift-error.js";
import { requireArchitecture } from "./engine-architecture.js";
import { runStep } from "../../core/steps/run-step.js";

export interface ReadyImage {
  readonly tag: string;
  readonly info: ImageInfo;
  readonly base: BaseImage | undefined;
}

/** The image of a plan; built if the engine has none with its key. */
export async function ensureImage(
  ctx: Context,
  plan: ImagePlan,
  options: { noCache: boolean },
): Promise<ReadyImage> {
  const engine = await ctx.engine();
  const there = options.noCache ? undefined : await engine.findImage(plan.tag);
  if (there !== undefined) return { tag: plan.tag, info: there, base: undefined };

  await requireArchitecture(ctx, plan.base.architecture);
  const base = await ensureBase(ctx, plan.base);
  const info = await buildFrom(ctx, plan, base.ref, options.noCache);
  return { tag: plan.tag, info, base };
}

/** An image derived from an existing one; built if the engine has none with its key. */
export async function ensureDerived(ctx: Context, image: DerivedImage): Promise<ImageInfo> {
  const engine = await ctx.engine();
  return (await engine.findImage(image.tag)) ?? (await buildFrom(ctx, image, image.from, false));
}

type Buildable = Pick<
  ImagePlan,
  "role" | "dockerfile" | "context" | "args" | "tag" | "key" | "contents"
>;

function buildFrom(
  ctx: Context,
  plan: Buildable,
  from: string,
  noCache: boolean,
): Promise<ImageInfo> {
  return runStep(ctx, plan.role, `image ${plan.tag}`, async (log) => {
    const engine = await ctx.engine();
    const drift: string[] = [];
    const building = engine.buildImage(
      {
        context: buildContext(ctx.assets, [...plan.context, plan.dockerfile]),
        dockerfile: plan.dockerfile,
        tag: plan.tag,
        args: { ...plan.args, BASE: from },
        labels: imageLabels(plan.role, plan.key, plan.contents),
        noCache,
      },
      {
        signal: ctx.signal,
        onLine: (line) => {
          log.line(line);
          const meaning = readBuildLine(line);
          if (meaning.kind === "drift") drift.push(meaning.text);
        },
      },
    );
    const info = await building.catch((error: unknown) => {
      throw drift.length > 0 && !ctx.signal.aborted ? driftError(drift) : error;
    });
    return { value: info, cached: false, summary: plan.tag };
  });
}

/** The same bytes on every machine: sorted, owned by root, dated 1970, with fixed modes. */
function buildContext(assets: Assets, paths: readonly string[]): Readable {
  return packTar(
    selectAssets(assets, paths).map(([path, { content, executable }]) => ({
      path,
      kind: "file",
      mode: executable ? 0o755 : 0o644,
      content,
    })),
  );
}
