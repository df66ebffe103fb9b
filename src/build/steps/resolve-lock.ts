import { packTar } from "../../archive/tar.js";
import type { Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import type { Lock } from "../lock/lock.js";
import type { ImageRequest, LockRequests, SourceRequest } from "../lock/requests.js";
import { readResolved, type ResolvedBase, withResolved } from "../lock/resolved.js";
import type { EngineArchitecture } from "../../core/plan/architectures.js";
import { selectAssets } from "../../core/plan/assets.js";
import { busyboxEnvironment, mirrorEnvironment } from "../plan/build-plan.js";
import { type ContainerSpec, PLAIN } from "../../core/plan/container-spec.js";
import { basePlan, mirrorArgs, packagesDigest } from "../plan/image-plan.js";
import { LABEL, labels, type ProjectNames } from "../../core/plan/names.js";
import { type BaseImage, ensureBase } from "./base-image.js";
import type { Context } from "../../core/steps/context.js";
import { requireArchitecture } from "./engine-architecture.js";
import { RESOLVE_EXIT } from "../../core/plan/script-exits.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep, type StepLog } from "../../core/steps/run-step.js";

/** Where the scripts are inside the container that resolves. */
const SCRIPTS = "/in";

export interface ResolveOptions {
  /** Take a new base image even where the engine has one. */
  readonly freshBase: boolean;
}

/** Who asks, and on what. */
interface Asked {
  readonly config: Config;
  readonly engine: EngineArchitecture;
  readonly names: ProjectNames;
}

/**
 * Finds out what is missing, suite by suite, in throw-away containers of the base images; but for sources that it takes a
 * builder to know: see `resolveSource`.
 */
export async function resolveLock(
  ctx: Context,
  { config, engine, names }: Asked,
  lock: Lock,
  missing: LockRequests,
  options: ResolveOptions,
): Promise<Lock> {
  await requireArchitecture(ctx, engine);
  let resolved = lock;
  const sources = missing.sources.filter(({ inBuilder }) => !inBuilder);
  const all = [...missing.bases, ...[...missing.images, ...sources].map(({ suite }) => suite)];
  for (const suite of [...new Set(all)].sort()) {
    const plan = basePlan(suite, config.images, engine, resolved);
    const base = await ensureBase(ctx, plan, {
      fresh: options.freshBase && plan.pin === undefined,
    });
    const requests = {
      images: missing.images.filter((image) => image.suite === suite),
      sources: sources.filter((source) => source.suite === suite),
    };
    const title = `packages and sources of Debian ${suite}`;
    const found = await runStep(ctx, `lock-${suite}`, title, async (log) => {
      const lines = await ask(ctx, resolver({ config, names }, base, requests), log);
      return { value: readResolved(lines), cached: false };
    });
    resolved = withResolved(resolved, suite, lockable(base), requests, found, ctx.host.now());
    resolved = await withKnownTimes(ctx, resolved, requests.images);
  }
  return resolved;
}

/**
 * Where the engine has an image with just these packages, its time is taken: a project that is new on this machine then
 * needs no images of its own.
 */
async function withKnownTimes(
  ctx: Context,
  lock: Lock,
  images: readonly ImageRequest[],
): Promise<Lock> {
  const engine = await ctx.engine();
  let known = lock;
  for (const { name, kind, suite } of images) {
    const locked = lock.images[name];
    if (locked === undefined) continue;
    const digest = packagesDigest(lock.bases[suite]?.digest ?? "", locked.packages);
    const wanted = { ...labels(`image-${kind}`, undefined), [LABEL.packages]: digest };
    const time = (await engine.listImages(wanted))[0]?.labels[LABEL.time];
    if (time === undefined) continue;
    known = { ...known, images: { ...known.images, [name]: { ...locked, time } } };
  }
  return known;
}

function lockable({ ref, info, fingerprint }: BaseImage): ResolvedBase {
  const { createdAt } = info;
  if (fingerprint !== undefined) return { from: "bootstrap", digest: fingerprint, createdAt };
  const [digest] = info.repoDigests;
  if (digest !== undefined) return { from: "registry", digest, createdAt };
  throw new KdockError("environment", `${ref} cannot be locked: the engine knows no digest of it`, {
    hint: `Pull it from its registry (docker pull ${ref}), or set images.base to bootstrap.`,
  });
}

/** Says which versions there are for some images and sources; its lines are for `readResolved`. */
export function resolver(
  { config, names }: Pick<Asked, "config" | "names">,
  base: Pick<BaseImage, "ref">,
  requests: { images: readonly ImageRequest[]; sources: readonly SourceRequest[] },
): ContainerSpec {
  const groups = requests.images.map(({ name, kind, toolchain, cross, extra }) =>
    [
      name.replaceAll(" ", "-"),
      `${SCRIPTS}/images/${kind}/packages`,
      ...(toolchain === undefined ? [] : [`toolchain:${toolchain}`]),
      ...(cross === undefined ? [] : [`cross:${toolchain ?? "gcc"},${cross}`]),
      ...extra,
    ].join(" "),
  );
  const commands = [
    // Also without images: what the base has is asked in the same breath.
    `sh ${SCRIPTS}/images/apt/resolve.sh ${groups.join(" -- ")}`,
    ...requests.sources.map(
      ({ kind, spec }) => `sh ${SCRIPTS}/images/${kind}/source.sh --resolve ${spec}`,
    ),
  ];
  return {
    name: names.buildContainer("lock"),
    image: base.ref,
    // Names and specs were checked by the configuration's schema: nothing in them means anything to a shell.
    command: ["sh", "-ec", commands.join("\n")],
    env: {
      ...busyboxEnvironment(config, undefined),
      ...mirrorEnvironment(config),
      ...mirrorArgs(config.images),
    },
    labels: labels("build", names.id),
    mounts: [],
    ...PLAIN,
    network: undefined,
    hostname: undefined,
    // apt drops its own privileges, for which it needs some.
    capDrop: [],
  };
}

async function ask(ctx: Context, spec: ContainerSpec, log: StepLog): Promise<string[]> {
  const lines: string[] = [];
  const exitCode = await runContainer(ctx, spec, {
    prepare: (container) =>
      container.putArchive(
        "/",
        packTar(
          selectAssets(ctx.assets, ["images"]).map(([path, { content }]) => ({
            path: `${SCRIPTS.slice(1)}/${path}`,
            kind: "file",
            mode: 0o644,
            content,
          })),
        ),
      ),
    onLine: (line) => {
      log.line(line);
      lines.push(line);
    },
  });
  if (exitCode === 0) return lines;
  if (exitCode === RESOLVE_EXIT.unknown) {
    throw new KdockError("config", "something that kdock.yaml asks for cannot be found", {
      hint: "The lines above say what, and what there is; correct kdock.yaml.",
    });
  }
  throw new KdockError("environment", "the Debian archive could not be asked for versions", {
    hint: "Check the network and proxy of the engine's machine, or set images.mirror to a mirror it reaches.",
  });
}
