import { dockerArchive } from "../../archive/docker-archive.js";
import { installedPackages } from "../../archive/installed-packages.js";
import type { Engine, ImageInfo } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { epochOf, momentOf } from "../lock/lock.js";
import { ARCHITECTURES } from "../../core/plan/architectures.js";
import type { BasePlan } from "../plan/image-plan.js";
import { differingNames } from "../../core/plan/keys.js";
import { FOLDER, LABEL, labels } from "../../core/plan/names.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { suiteLines } from "./debian-archives.js";
import { makeRootfs, type Rootfs } from "./make-rootfs.js";
import type { StepLog } from "../../core/steps/run-step.js";

/** A snapshot is taken after mirrors are updated: the matching one may be later than the lock's time. */
const SNAPSHOT_DELAYS_HOURS = [0, 12, 24];

const DRIFT_LINES = 20;

export function fingerprintOf(image: ImageInfo): string | undefined {
  return image.labels[LABEL.fingerprint];
}

/**
 * Creates a Debian root file system with mmdebstrap and loads it into the engine. Equal package versions give the same bytes and
 * the same image id. Rejects with an `environment` error if it differs from the lock.
 */
export async function bootstrapBase(
  ctx: Context,
  engine: Engine,
  plan: BasePlan,
  log: StepLog,
): Promise<{ readonly ref: string; readonly info: ImageInfo }> {
  const { bootstrapTag: ref, pin } = plan;
  if (ref === undefined) throw new Error("bootstrap without a tag");
  const created = pin === undefined ? Math.floor(ctx.host.now() / 1000) : epochOf(pin.time);
  const folder = await ctx.host.files.makeTemporary(inProject(ctx, `${FOLDER.state}/base`));
  try {
    const rootfs = await lockedRootfs(ctx, { plan, folder, created }, log);
    const { fingerprint } = rootfs;
    // The second tag is the one that a locked base is looked up by.
    const tags = pin === undefined ? [ref, `${ref}-${fingerprint.slice(0, 12)}`] : [ref];
    const archive = dockerArchive({
      tags,
      architecture: ARCHITECTURES[plan.architecture].debianArch,
      created,
      createdBy: `mmdebstrap --variant=minbase ${plan.suite}`,
      labels: { ...labels("base", undefined), [LABEL.fingerprint]: fingerprint },
      layer: rootfs,
    });
    const info = await engine.loadImage(archive, { tag: ref, signal: ctx.signal });
    return { ref, info };
  } finally {
    await ctx.host.files.remove(folder);
  }
}

interface Wanted {
  readonly plan: BasePlan;
  /** The folder for the tar. */
  readonly folder: string;
  /** Seconds since 1970; no file is dated later. */
  readonly created: number;
}

/** From the mirror; if that has newer packages than the lock, from the snapshot archive, if one is configured. */
async function lockedRootfs(ctx: Context, wanted: Wanted, log: StepLog): Promise<Rootfs> {
  const { plan, folder, created } = wanted;
  const { pin, suite, architecture, mirror } = plan;
  const path = `${folder}/rootfs.tar`;
  const sources =
    mirror === undefined ? [] : await suiteLines(ctx, { address: mirror, suite }, folder);
  const made = { suite, architecture, path, created } as const;
  const rootfs = await makeRootfs(ctx, { ...made, sources }, log);
  if (pin === undefined || rootfs.fingerprint === pin.digest) return rootfs;

  const differences = packageDifferences(
    pin.packages,
    await installedPackages(await rootfs.open()),
  );
  for (const address of snapshots(plan, created)) {
    log.line(`the mirror has newer packages: bootstrapping from ${address}`);
    const old = { address, suite, options: "check-valid-until=no" };
    const sources = await suiteLines(ctx, old, folder);
    try {
      const older = await makeRootfs(ctx, { ...made, sources }, log);
      if (older.fingerprint === pin.digest) return older;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!(error instanceof KdockError)) throw error;
      log.line(error.message);
    }
  }
  throw drifted(plan, differences);
}

function snapshots({ snapshot }: BasePlan, from: number): string[] {
  if (snapshot === undefined) return [];
  return SNAPSHOT_DELAYS_HOURS.map((hours) =>
    snapshot.replaceAll("@SNAPSHOTID@", momentOf((from + hours * 3600) * 1000)),
  );
}

function packageDifferences(
  locked: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): string[] {
  return differingNames(locked, found).map(
    (name) => `${name} ${locked[name] ?? "none"} → ${found[name] ?? "none"}`,
  );
}

function drifted({ suite, snapshot }: BasePlan, differences: readonly string[]): KdockError {
  const more = differences.length - DRIFT_LINES;
  const lines = [
    differences.length > 0
      ? `Debian ${suite} has changed since its base image was locked:`
      : `Debian ${suite} has the locked packages, but the base image differs: the locked one was made by another version of mmdebstrap or dpkg`,
    ...differences.slice(0, DRIFT_LINES),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
  return new KdockError("environment", lines.join("\n  "), {
    hint: `Run \`kdock lock --update base\` to lock the current versions${
      snapshot === undefined
        ? ", or set images.snapshot to an archive that has the locked versions"
        : ""
    }.`,
  });
}
