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

/** `kdock diff`: what was compared, and the differences stage by stage. */
export interface ArtifactDiff {
  /** "kernel/ec83c252424745c9", "set/6dd52b134293d7c2" */
  readonly from: string;
  readonly to: string;
  readonly equal: boolean;
  readonly stages: readonly StageDiff[];
}

const STAGES = ["kernel", "busybox", "rootfs"] as const;
type StageName = (typeof STAGES)[number];

/** Where each stage has its final .config. */
const CONFIG_FILE: Readonly<Record<StageName, string | undefined>> = {
  kernel: "config",
  busybox: "busybox.config",
  rootfs: undefined,
};

const CURRENT = "current";
/** Fewer digits than this name something by accident. */
const MIN_DIGITS = 4;
/** What is still being written has a longer name. */
const KEY = /^[\da-f]{16}$/;
const SHOWN_KEYS = 8;

interface Entry {
  readonly stage: StageName | "set";
  readonly key: string;
}

/**
 * Compares two artifact folders or sets, each given as a key, the beginning of one, or "current". A set against a stage
 * compares that stage of the set. Rejects with a `usage` error when a key names nothing, too much, or another stage.
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

/** The final .config of a kernel that was built, by its key, a set's, or "current". */
export async function kernelConfigOf(
  ctx: Context,
  key: string,
): Promise<{ readonly name: string; readonly config: string }> {
  const entry = await find(ctx, await allEntries(ctx), key);
  if (entry.stage !== "set" && entry.stage !== "kernel") {
    throw new KdockError("usage", `${nameOf(entry)} is no kernel`, {
      hint: "Take the key of a kernel or of a set.",
    });
  }
  const { config } = await artifacts(ctx, entry, "kernel");
  return { name: nameOf(entry), config: config ?? "" };
}

function commonStages(from: Entry, to: Entry): readonly StageName[] {
  if (from.stage === "set") return to.stage === "set" ? STAGES : [to.stage];
  if (to.stage === "set" || to.stage === from.stage) return [from.stage];
  throw new KdockError("usage", `${nameOf(from)} and ${nameOf(to)} are different stages`, {
    hint: `Compare ${nameOf(from)} with another ${from.stage}, or two whole sets with each other.`,
  });
}

async function artifacts(ctx: Context, entry: Entry, stage: StageName): Promise<StageArtifacts> {
  // In a set's folder every stage is a link of its own, so the path is the stage's folder either way.
  const [parent, key] = entry.stage === "set" ? [nameOf(entry), stage] : [stage, entry.key];
  const manifest: StageManifest | undefined = await readManifest(ctx, parent, key);
  if (manifest === undefined) {
    throw new KdockError("usage", `${nameOf(entry)} has no ${stage} any more`, {
      hint: "Its folder was removed: go back to the kdock.yaml and kdock.lock it was made from, and run `kdock build`.",
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
    throw new KdockError("usage", `nothing that was built has the key ${wanted}`, {
      hint: keysHint(entries, digits),
    });
  }
  if (others.length > 0) {
    throw new KdockError("usage", `${wanted} is the beginning of ${found.map(nameOf).join(", ")}`, {
      hint: "Type more of its digits.",
    });
  }
  return first;
}

async function currentSet(ctx: Context): Promise<Entry> {
  const key = await currentSetKey(ctx);
  if (key !== undefined) return { stage: "set", key };
  throw new KdockError("usage", "there is no current artifact set", {
    hint: "`kdock build` makes one.",
  });
}

/** The set that `current` points at; undefined when nothing was built yet. */
export async function currentSetKey(ctx: Context): Promise<string | undefined> {
  const link = inProject(ctx, FOLDER.current);
  if (!(await ctx.host.files.exists(link))) return undefined;
  return (await ctx.host.files.realPath(link)).split(/[\\/]/).at(-1);
}

/** The keys that begin most like the one that was typed. */
function keysHint(entries: readonly Entry[], digits: string): string {
  if (entries.length === 0) return "Nothing was built here yet: run `kdock build`.";
  const near = [...entries].sort((a, b) => shared(b.key, digits) - shared(a.key, digits));
  const names = near.slice(0, SHOWN_KEYS).map(nameOf);
  const more = entries.length - names.length;
  const rest = more > 0 ? `, and ${more} more in ${FOLDER.out}` : "";
  return `Take a key from ${names.join(", ")}${rest}; or ${CURRENT}.`;
}

function shared(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

function nameOf({ stage, key }: Entry): string {
  return `${stage}/${key}`;
}
