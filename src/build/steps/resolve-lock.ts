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

/** The folder of the scripts in the container. */
const SCRIPTS = "/in";

export interface ResolveOptions {
  /** Ignore an existing base image of the engine. */
  readonly freshBase: boolean;
}

interface ResolveContext {
  readonly config: Config;
  readonly engine: EngineArchitecture;
  readonly names: ProjectNames;
}

/**
 * Resolves missing entries, suite by suite, in temporary containers of the base images; except sources that need a builder, see
 * `resolveSource`.
 */
export async function resolveLock(
  ctx: Context,
  { config, engine, names }: ResolveContext,
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
 * Uses the time of an existing image with the same packages, so that a new project shares the images of others on the engine.
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
  throw new KdockError("environment", `${ref} cannot be locked: the engine has no digest of it`, {
    hint: `Pull it from its registry (docker pull ${ref}), or set images.base to bootstrap.`,
  });
}

/** Prints the available versions for images and sources; `readResolved` parses the output. */
export function resolver(
  { config, names }: Pick<ResolveContext, "config" | "names">,
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
    // Also without images: prints the packages of the base, too.
    `sh ${SCRIPTS}/images/apt/resolve.sh ${groups.join(" -- ")}`,
    ...requests.sources.map(
      ({ kind, spec }) => `sh ${SCRIPTS}/images/${kind}/source.sh --resolve ${spec}`,
    ),
  ];
  return {
    name: names.buildContainer("lock"),
    image: base.ref,
    // The configuration's schema has validated names and specs: they have no shell metacharacters.
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
    // apt needs privileges to drop its privileges.
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
    throw new KdockError("config", "a package or source that kdock.yaml names does not exist", {
      hint: "See the lines above for its name and for what exists, and correct kdock.yaml.",
    });
  }
  throw new KdockError("environment", "the Debian archive could not be reached", {
    hint: "Check the network and proxy of the engine's machine, or set images.mirror to a mirror that it can reach.",
  });
}
