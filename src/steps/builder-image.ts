import { Readable } from "node:stream";
import { packTar } from "../archive/tar.js";
import type { ImageInfo } from "../engine/engine.js";
import { type Assets, selectAssets } from "../plan/assets.js";
import type { ImagePlan } from "../plan/image-plan.js";
import { labels } from "../plan/names.js";
import { type BaseImage, ensureBase } from "./base-image.js";
import type { Context } from "./context.js";
import { runStep } from "./run-step.js";

export interface ReadyImage {
  readonly tag: string;
  readonly info: ImageInfo;
  readonly base: BaseImage | undefined;
}

/** The image a plan describes, built if the engine has none with its key. */
export async function ensureImage(
  ctx: Context,
  plan: ImagePlan,
  options: { noCache: boolean },
): Promise<ReadyImage> {
  const engine = await ctx.engine();
  const there = options.noCache ? undefined : await engine.findImage(plan.tag);
  if (there !== undefined) return { tag: plan.tag, info: there, base: undefined };

  const base = await ensureBase(ctx, plan.base);
  return runStep(ctx, plan.role, `image ${plan.tag}`, async (log) => {
    const info = await engine.buildImage(
      {
        context: buildContext(ctx.assets, plan.context),
        dockerfile: plan.dockerfile,
        tag: plan.tag,
        args: { ...plan.args, BASE: base.ref },
        labels: labels(plan.role, undefined, plan.key),
        noCache: options.noCache,
      },
      {
        signal: ctx.signal,
        onLine: (line) => {
          log.line(line);
        },
      },
    );
    return { value: { tag: plan.tag, info, base }, cached: false, summary: plan.tag };
  });
}

/** The same bytes on every machine: sorted, owned by root, dated 1970, with modes of ours. */
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
