import type { Engine, ImageInfo } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { runsNatively } from "../../core/plan/architectures.js";
import type { BasePlan } from "../plan/image-plan.js";
import { bootstrapBase, fingerprintOf } from "./bootstrap-base.js";
import type { Context } from "../../core/steps/context.js";
import { runStep, type StepLog, type StepResult } from "../../core/steps/run-step.js";

export interface BaseImage {
  /** What a Dockerfile may say in FROM. */
  readonly ref: string;
  readonly info: ImageInfo;
  /** See `tarFingerprint`; undefined for what came from a registry, where the digest says the same. */
  readonly fingerprint: string | undefined;
}

/**
 * Brings a Debian base image into the engine: from a registry, else bootstrapped from a Debian mirror. One that is
 * locked comes from where it came from then, and is what it was then, or this rejects.
 */
export function ensureBase(
  ctx: Context,
  plan: BasePlan,
  { fresh = false }: { /** Take a new one even where the engine has one. */ fresh?: boolean } = {},
): Promise<BaseImage> {
  const step = `base-${plan.suite}`;
  return runStep(ctx, step, `Debian ${plan.suite} base image`, async (log) => {
    const engine = await ctx.engine();
    const wanted = lockedPlan(plan);
    const there = fresh ? undefined : await present(engine, wanted);
    return there ?? (await bring(ctx, engine, wanted, log));
  });
}

/** The plan with the one way that its pin leaves open. */
function lockedPlan(plan: BasePlan): BasePlan {
  const { pin, suite, registryRef, bootstrapTag } = plan;
  const other = pin?.from === "registry" ? registryRef : bootstrapTag;
  if (pin === undefined) return plan;
  if (other === undefined) {
    const [locked, asked] =
      pin.from === "registry"
        ? ["comes from a registry", "no registry may be asked"]
        : ["was bootstrapped", "only a registry may be asked"];
    throw new KdockError(
      "environment",
      `the locked base image of Debian ${suite} ${locked}, but ${asked} here (images.registry, images.base)`,
      { hint: "Change these settings, or run `kdock lock --update base` to lock another one." },
    );
  }
  return pin.from === "registry"
    ? { ...plan, registryRef: withDigest(other, pin.digest), bootstrapTag: undefined }
    : { ...plan, registryRef: undefined };
}

/** The registry may be another one than when it was locked: the digest counts. */
function withDigest(ref: string, digest: string): string {
  const tagAt = ref.indexOf(":", ref.lastIndexOf("/"));
  const repository = tagAt < 0 ? ref : ref.slice(0, tagAt);
  return `${repository}@${digest.slice(digest.indexOf("@") + 1)}`;
}

async function present(
  engine: Engine,
  { registryRef, bootstrapTag, pin }: BasePlan,
): Promise<StepResult<BaseImage> | undefined> {
  for (const ref of [registryRef, bootstrapTag]) {
    const info = ref === undefined ? undefined : await engine.findImage(ref);
    if (ref === undefined || info === undefined) continue;
    const fingerprint = fingerprintOf(info);
    if (pin?.from === "bootstrap" && pin.digest !== fingerprint) continue;
    return { value: { ref, info, fingerprint }, cached: true };
  }
  return undefined;
}

async function bring(
  ctx: Context,
  engine: Engine,
  plan: BasePlan,
  log: StepLog,
): Promise<StepResult<BaseImage>> {
  const { registryRef: ref } = plan;
  if (ref === undefined) return bootstrap(ctx, engine, plan, log, []);
  log.phase("pulling");
  try {
    const info = await engine.pullImage(ref, {
      signal: ctx.signal,
      onProgress: (done, total) => {
        log.progress(done, total, "bytes", false);
      },
    });
    const value = { ref, info, fingerprint: undefined };
    return { value, cached: false, summary: info.repoDigests[0] ?? ref };
  } catch (error) {
    ctx.signal.throwIfAborted();
    log.line(`pull failed: ${messageOf(error)}`);
    if (plan.bootstrapTag === undefined) throw error;
    return bootstrap(ctx, engine, plan, log, [`${ref}: ${messageOf(error)}`]);
  }
}

async function bootstrap(
  ctx: Context,
  engine: Engine,
  plan: BasePlan,
  log: StepLog,
  refusals: readonly string[],
): Promise<StepResult<BaseImage>> {
  const why = reasonFor(plan, refusals);
  if ((await ctx.host.which("mmdebstrap")) === undefined) {
    throw new KdockError(
      "environment",
      [`${why}, and mmdebstrap is not installed here`, ...refusals].join("\n  "),
      {
        hint:
          plan.pin === undefined
            ? "Install it (apt-get install mmdebstrap), or name a registry that can be reached (images.registry)."
            : "Install it: apt-get install mmdebstrap.",
      },
    );
  }
  ctx.reporter.emit({
    type: "notice",
    text: `${why}: bootstrapping Debian ${plan.suite} from a Debian mirror with mmdebstrap`,
  });
  log.phase("bootstrapping");
  const { ref, info } = await bootstrapBase(ctx, engine, plan, log).catch((error: unknown) => {
    throw foreignHint(ctx, plan, error);
  });
  return { value: { ref, info, fingerprint: fingerprintOf(info) }, cached: false, summary: ref };
}

/** Programs of another architecture run while a root file system is made. */
function foreignHint(ctx: Context, { architecture }: BasePlan, error: unknown): unknown {
  if (!(error instanceof KdockError) || error.hint !== undefined) return error;
  if (runsNatively(ctx.host.machine, architecture)) return error;
  return new KdockError(error.code, error.message, {
    cause: error,
    hint: `The engine is on ${architecture}, and this machine is not: apt-get install arch-test qemu-user-static, or name a registry that can be reached (images.registry).`,
  });
}

function reasonFor({ pin }: BasePlan, refusals: readonly string[]): string {
  if (pin !== undefined) return "the locked base image is one that was bootstrapped";
  return refusals.length > 0 ? "no registry answers" : "no registry is configured";
}
