import type { Engine, ImageInfo } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { runsNatively } from "../../core/plan/architectures.js";
import type { BasePlan } from "../plan/image-plan.js";
import { bootstrapBase, fingerprintOf } from "./bootstrap-base.js";
import type { Context } from "../../core/steps/context.js";
import { runStep, type StepLog, type StepResult } from "../../core/steps/run-step.js";

export interface BaseImage {
  /** For FROM in a Dockerfile. */
  readonly ref: string;
  readonly info: ImageInfo;
  /** See `tarFingerprint`; undefined for an image of a registry, which has a digest instead. */
  readonly fingerprint: string | undefined;
}

/**
 * Provides a Debian base image in the engine: from a registry, or else bootstrapped from a Debian mirror. A locked image is
 * taken from the same kind of source; rejects if it differs from the lock.
 */
export function ensureBase(
  ctx: Context,
  plan: BasePlan,
  { fresh = false }: { /** Ignore an existing image of the engine. */ fresh?: boolean } = {},
): Promise<BaseImage> {
  const step = `base-${plan.suite}`;
  return runStep(ctx, step, `Debian ${plan.suite} base image`, async (log) => {
    const engine = await ctx.engine();
    const wanted = lockedPlan(plan);
    const existing = fresh ? undefined : await findBase(engine, wanted);
    return existing ?? (await fetchBase(ctx, engine, wanted, log));
  });
}

/** The plan reduced to the source that its pin names. */
function lockedPlan(plan: BasePlan): BasePlan {
  const { pin, suite, registryRef, bootstrapTag } = plan;
  const other = pin?.from === "registry" ? registryRef : bootstrapTag;
  if (pin === undefined) return plan;
  if (other === undefined) {
    const [locked, asked] =
      pin.from === "registry"
        ? ["comes from a registry", "no registry is allowed"]
        : ["was bootstrapped", "only a registry is allowed"];
    throw new KdockError(
      "environment",
      `the locked base image of Debian ${suite} ${locked}, but ${asked} (images.registry, images.base)`,
      { hint: "Change these settings, or run `kdock lock --update base` to lock another one." },
    );
  }
  return pin.from === "registry"
    ? { ...plan, registryRef: withDigest(other, pin.digest), bootstrapTag: undefined }
    : { ...plan, registryRef: undefined };
}

/** The registry may differ from the locked one: the digest identifies the image. */
function withDigest(ref: string, digest: string): string {
  const tagAt = ref.indexOf(":", ref.lastIndexOf("/"));
  const repository = tagAt < 0 ? ref : ref.slice(0, tagAt);
  return `${repository}@${digest.slice(digest.indexOf("@") + 1)}`;
}

async function findBase(
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

async function fetchBase(
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
      [`${why}, and mmdebstrap is not installed`, ...refusals].join("\n  "),
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

/** Adds a hint about emulation: bootstrapping runs programs of the image's architecture. */
function foreignHint(ctx: Context, { architecture }: BasePlan, error: unknown): unknown {
  if (!(error instanceof KdockError) || error.hint !== undefined) return error;
  if (runsNatively(ctx.host.machine, architecture)) return error;
  return new KdockError(error.code, error.message, {
    cause: error,
    hint: `The engine runs on ${architecture}, this machine does not: apt-get install arch-test qemu-user-static, or name a registry that can be reached (images.registry).`,
  });
}

function reasonFor({ pin }: BasePlan, refusals: readonly string[]): string {
  if (pin !== undefined) return "the locked base image was bootstrapped";
  return refusals.length > 0 ? "no registry answers" : "no registry is configured";
}
