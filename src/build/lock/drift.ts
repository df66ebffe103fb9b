import type { Assets } from "../../core/plan/assets.js";
import { differingNames, sha256 } from "../../core/plan/keys.js";
import type { Plan } from "../plan/plan.js";
import type { Lock, LockedStage } from "./lock.js";
import type { LockRequests } from "./requests.js";

type StageName = "kernel" | "busybox" | "rootfs";

/** The inputs that kdock.yaml requests now, in the lock's form. */
export interface Wanted {
  readonly stages: Readonly<Record<StageName, LockedStage["inputs"]>>;
  readonly files: Readonly<Record<string, string>>;
}

export function wantedOf(plan: Plan, assets: Assets): Wanted {
  return {
    stages: {
      kernel: plan.kernel.asked,
      busybox: plan.busybox.asked,
      rootfs: plan.rootfs.asked,
    },
    files: Object.fromEntries(
      [...assets].map(([path, { content, executable }]) => [
        path,
        sha256(`${executable ? "x" : "-"}${sha256(content)}`),
      ]),
    ),
  };
}

/**
 * The lock with the wanted inputs. A stage keeps the digest of its .config if neither its inputs nor kdock's files changed.
 */
export function withWanted(lock: Lock, wanted: Wanted, kdockVersion: string): Lock {
  const sameKdock = differingNames(lock.files, wanted.files).length === 0;
  const stages = Object.entries(wanted.stages).map(([name, inputs]) => {
    const before = lock.stages[name as StageName];
    const same =
      sameKdock && before !== undefined && differingNames(before.inputs, inputs).length === 0;
    return [name, same ? before : { inputs }] as const;
  });
  return { ...lock, kdock: kdockVersion, stages: Object.fromEntries(stages), files: wanted.files };
}

/** The lock without the digests of final .configs: these depend on source and compiler. */
export function withoutConfigDigests(lock: Lock): Lock {
  const stages = Object.entries(lock.stages).map(([name, { inputs }]) => [name, { inputs }]);
  return { ...lock, stages: Object.fromEntries(stages) as Lock["stages"] };
}

/** The lock with the digest of a stage's final .config. */
export function withConfigDigest(lock: Lock, stage: StageName, config: string): Lock {
  const before = lock.stages[stage];
  if (before === undefined) return lock;
  return { ...lock, stages: { ...lock.stages, [stage]: { ...before, config } } };
}

/** All differences from the lock, a line each; empty if a frozen build may continue. */
export function lockDrift(lock: Lock, wanted: Wanted, missing: LockRequests): string[] {
  return [
    ...missing.bases.map((suite) => `base ${suite}: not locked`),
    ...missing.images.map(({ name }) => `image ${name}: not locked`),
    ...missing.sources.map(({ name }) => `source ${name}: not locked`),
    ...(["kernel", "busybox", "rootfs"] as const).flatMap((name) => {
      const stage = lock.stages[name];
      if (stage === undefined) return [`${name}: not locked`];
      return differences(`${name}: `, stage.inputs, wanted.stages[name]);
    }),
    ...differences("kdock's own ", lock.files, wanted.files),
  ];
}

function differences(
  prefix: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  return differingNames(before, after).map((name) => {
    const [from, to] = [before[name], after[name]];
    if (from === undefined) return `${prefix}${name} is new${shown(to)}`;
    if (to === undefined) return `${prefix}${name} was removed${shown(from)}`;
    return isDigest(from) ? `${prefix}${name} changed` : `${prefix}${name}: ${from} → ${to}`;
  });
}

function shown(value: string | undefined): string {
  return value === undefined || value === "" || isDigest(value) ? "" : ` (${value})`;
}

function isDigest(text: string): boolean {
  return /^[\da-f]{64}$/.test(text);
}
