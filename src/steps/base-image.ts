import type { Engine, ImageInfo } from "../engine/engine.js";
import { KdockError, messageOf } from "../errors.js";
import type { BasePlan } from "../plan/image-plan.js";
import { labels } from "../plan/names.js";
import type { Context } from "./context.js";
import { runStep, type StepLog, type StepResult } from "./run-step.js";

export interface BaseImage {
  /** What a Dockerfile may say in FROM. */
  readonly ref: string;
  readonly info: ImageInfo;
}

/** Brings a Debian base image into the engine: from a registry, else bootstrapped from a Debian mirror. */
export function ensureBase(ctx: Context, plan: BasePlan): Promise<BaseImage> {
  const step = `base-${plan.suite}`;
  return runStep(ctx, step, `Debian ${plan.suite} base image`, async (log) => {
    const engine = await ctx.engine();
    return (await present(engine, plan)) ?? (await bring(ctx, engine, plan, log));
  });
}

async function present(engine: Engine, plan: BasePlan): Promise<StepResult<BaseImage> | undefined> {
  for (const ref of [plan.registryRef, plan.bootstrapTag]) {
    const info = ref === undefined ? undefined : await engine.findImage(ref);
    if (ref !== undefined && info !== undefined) return { value: { ref, info }, cached: true };
  }
  return undefined;
}

async function bring(
  ctx: Context,
  engine: Engine,
  plan: BasePlan,
  log: StepLog,
): Promise<StepResult<BaseImage>> {
  const refusals: string[] = [];
  if (plan.registryRef !== undefined) {
    const ref = plan.registryRef;
    log.phase("pulling");
    try {
      const info = await engine.pullImage(ref, {
        signal: ctx.signal,
        onProgress: (done, total) => {
          log.progress(done, total, "bytes", false);
        },
      });
      return { value: { ref, info }, cached: false, summary: info.repoDigests[0] ?? ref };
    } catch (error) {
      ctx.signal.throwIfAborted();
      refusals.push(`${ref}: ${messageOf(error)}`);
      log.line(`pull failed: ${messageOf(error)}`);
      if (plan.bootstrapTag === undefined) throw error;
    }
  }
  return bootstrap(ctx, engine, plan, log, refusals);
}

async function bootstrap(
  ctx: Context,
  engine: Engine,
  plan: BasePlan,
  log: StepLog,
  refusals: readonly string[],
): Promise<StepResult<BaseImage>> {
  const tag = plan.bootstrapTag;
  if (tag === undefined) throw new Error("bootstrap without a tag");
  const why = refusals.length > 0 ? "no registry answers" : "no registry is configured";
  if ((await ctx.host.which("mmdebstrap")) === undefined) {
    throw new KdockError(
      "environment",
      [`${why}, and mmdebstrap is not installed here`, ...refusals].join("\n  "),
      {
        hint: "Install it (apt-get install mmdebstrap), or name a registry that can be reached (images.registry).",
      },
    );
  }
  ctx.reporter.emit({
    type: "notice",
    text: `${why}: bootstrapping Debian ${plan.suite} from a Debian mirror with mmdebstrap`,
  });
  log.phase("bootstrapping");
  const argv = ["mmdebstrap", "--variant=minbase", "--format=tar", plan.suite, "-"];
  const rootfs = ctx.host.stream([...argv, ...(plan.mirror === undefined ? [] : [plan.mirror])], {
    signal: ctx.signal,
    onStderr: (line) => {
      log.line(line);
    },
  });
  const info = await engine.importImage(rootfs, {
    tag,
    labels: labels("base", undefined, plan.key),
    signal: ctx.signal,
  });
  return { value: { ref: tag, info }, cached: false, summary: tag };
}
