import { KdockError } from "../../core/errors.js";
import {
  isEqual,
  type StageArtifacts,
  type StageDiff,
  stageDiff,
  type StageManifest,
} from "../../core/plan/artifact-diff.js";
import { FOLDER } from "../../core/plan/names.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { readManifest } from "../../core/steps/artifact-store.js";
import { type Context, inProject } from "../../core/steps/context.js";

/** The result of `kdock diff`. */
export interface ArtifactDiff {
  /** "kernel/ec83c252424745c9", "set/6dd52b134293d7c2" */
  readonly from: string;
  readonly to: string;
  readonly equal: boolean;
  readonly stages: readonly StageDiff[];
}

const STAGES = ["kernel", "busybox", "rootfs"] as const;
type StageName = (typeof STAGES)[number];

/** The file with the final .config of each stage. */
const CONFIG_FILE: Readonly<Record<StageName, string | undefined>> = {
  kernel: "config",
  busybox: "busybox.config",
  rootfs: undefined,
};

const CURRENT = "current";
/** Fewer digits could match by accident. */
const MIN_DIGITS = 4;
/** Temporary folders have longer names. */
const KEY = /^[\da-f]{16}$/;
const SHOWN_KEYS = 8;

interface Entry {
  readonly stage: StageName | "set";
  readonly key: string;
}

/**
 * Compares two artifact folders or sets, each given as a key, a prefix of one, or "current". For a set and a stage, compares that
 * stage of the set. Rejects with a `usage` error for an unknown or ambiguous key, and for different stages.
 */
export async function diffArtifacts(ctx: Context, one: string, two: string): Promise<ArtifactDiff> {
  const entries = await allEntries(ctx);
  const from = await find(ctx, entries, one);
  const to = await find(ctx, entries, two);
  const stages: StageDiff[] = [];
  for (const stage of commonStages(from, to)) {
    stages.push(stageDiff(await artifacts(ctx, from, stage), await artifacts(ctx, to, stage)));
  }
  return {
    from: nameOf(from),
    to: nameOf(to),
    equal: stages.every(isEqual),
    stages,
  };
}

/** The final .config of a built kernel, by its key, that of a set, or "current". */
export async function kernelConfigOf(
  ctx: Context,
  key: string,
): Promise<{ readonly name: string; readonly config: string }> {
  const entry = await find(ctx, await allEntries(ctx), key);
  if (entry.stage !== "set" && entry.stage !== "kernel") {
    throw new KdockError("usage", `${nameOf(entry)} is not a kernel`, {
      hint: "Give the key of a kernel or of a set.",
    });
  }
  const { config } = await artifacts(ctx, entry, "kernel");
  return { name: nameOf(entry), config: config ?? "" };
}

function commonStages(from: Entry, to: Entry): readonly StageName[] {
  if (from.stage === "set") return to.stage === "set" ? STAGES : [to.stage];
  if (to.stage === "set" || to.stage === from.stage) return [from.stage];
  throw new KdockError("usage", `${nameOf(from)} and ${nameOf(to)} are different stages`, {
    hint: `Compare ${nameOf(from)} with another ${from.stage}, or two sets with each other.`,
  });
}

async function artifacts(ctx: Context, entry: Entry, stage: StageName): Promise<StageArtifacts> {
  // A set's folder has a link for each stage: the path is a stage's folder in both cases.
  const [parent, key] = entry.stage === "set" ? [nameOf(entry), stage] : [stage, entry.key];
  const manifest: StageManifest | undefined = await readManifest(ctx, parent, key);
  if (manifest === undefined) {
    throw new KdockError("usage", `${nameOf(entry)} has no ${stage} any more`, {
      hint: "Its folder was removed: restore the kdock.yaml and kdock.lock that it was built from, and run `kdock build`.",
    });
  }
  const file = CONFIG_FILE[stage];
  const config =
    file === undefined
      ? undefined
      : await readLooseText(
          ctx.host.files,
          inProject(ctx, `${FOLDER.out}/${parent}/${key}/${file}`),
        );
  return { manifest, config };
}

async function allEntries(ctx: Context): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const stage of ["set", ...STAGES] as const) {
    const folder = inProject(ctx, `${FOLDER.out}/${stage}`);
    if (!(await ctx.host.files.isFolder(folder))) continue;
    const keys = (await ctx.host.files.list(folder)).filter((name) => KEY.test(name));
    entries.push(...keys.map((key) => ({ stage, key })));
  }
  return entries;
}

async function find(ctx: Context, entries: readonly Entry[], wanted: string): Promise<Entry> {
  if (wanted === CURRENT) return currentSet(ctx);
  const digits = wanted.toLowerCase();
  if (!/^[\da-f]+$/.test(digits) || digits.length < MIN_DIGITS) {
    throw new KdockError(
      "usage",
      `${wanted} is not a key: at least ${MIN_DIGITS} hexadecimal digits, or ${CURRENT}`,
      { hint: keysHint(entries, digits) },
    );
  }
  const found = entries.filter(({ key }) => key.startsWith(digits));
  const [first, ...others] = found;
  if (first === undefined) {
    throw new KdockError("usage", `there are no artifacts with the key ${wanted}`, {
      hint: keysHint(entries, digits),
    });
  }
  if (others.length > 0) {
    const names = found.map(nameOf).join(", ");
    throw new KdockError("usage", `${wanted} is ambiguous: it matches ${names}`, {
      hint: "Give more digits of the key.",
    });
  }
  return first;
}

async function currentSet(ctx: Context): Promise<Entry> {
  const key = await currentSetKey(ctx);
  if (key !== undefined) return { stage: "set", key };
  throw new KdockError("usage", "there is no current artifact set", {
    hint: "`kdock build` builds one.",
  });
}

/** The key of the current set; undefined if nothing was built yet. */
export async function currentSetKey(ctx: Context): Promise<string | undefined> {
  const link = inProject(ctx, FOLDER.current);
  if (!(await ctx.host.files.exists(link))) return undefined;
  return (await ctx.host.files.realPath(link)).split(/[\\/]/).at(-1);
}

/** Lists the keys with the longest common prefix. */
function keysHint(entries: readonly Entry[], digits: string): string {
  if (entries.length === 0) return "Nothing was built yet: run `kdock build`.";
  const near = [...entries].sort((a, b) => shared(b.key, digits) - shared(a.key, digits));
  const names = near.slice(0, SHOWN_KEYS).map(nameOf);
  const more = entries.length - names.length;
  const rest = more > 0 ? `, and ${more} more in ${FOLDER.out}` : "";
  return `Give one of ${names.join(", ")}${rest}; or ${CURRENT}.`;
}

function shared(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

function nameOf({ stage, key }: Entry): string {
  return `${stage}/${key}`;
}
