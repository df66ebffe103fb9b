import { z } from "zod";
import type { Config } from "../../config/config.js";
import { localRepository, sourceSpec } from "../../config/source-spec.js";
import { KdockError } from "../../core/errors.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { sha256 } from "../../core/plan/keys.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";
import { sourceHostPaths } from "../../build/plan/tree-plan.js";
import type { LocalRepository } from "../../core/local-repository.js";

/** What `git bisect run` makes of a command's exit code. */
export type Mark = "good" | "bad" | "skip";

/** "abort" for a command that something killed: that says nothing about the kernel. */
export function markOf(exitCode: number): Mark | "abort" {
  if (exitCode === 0) return "good";
  if (exitCode === 125) return "skip";
  return exitCode < 128 ? "bad" : "abort";
}

export interface Commit {
  readonly hash: string;
  readonly subject: string;
}

/** What images/kernel/bisect.sh says: how far the search is. */
export interface BisectStatus {
  /** The commit to try; undefined when the search has ended. */
  readonly next: Commit | undefined;
  /** Commits that may be bad besides, and the steps that these take, about. */
  readonly left: { readonly commits: number; readonly steps: number } | undefined;
  readonly first: (Commit & { readonly author: string; readonly date: string }) | undefined;
  /** Because of commits that were skipped: one of these. */
  readonly maybe: readonly Commit[];
  /** The good commit's version: told at the start. */
  readonly version: string | undefined;
  /** For `git bisect replay`. */
  readonly log: readonly string[];
  /** git's own words. */
  readonly said: readonly string[];
}

export function readBisect(lines: readonly string[]): BisectStatus {
  const words = new Map<string, string>();
  const [log, said, maybe]: [string[], string[], Commit[]] = [[], [], []];
  for (const line of lines) {
    const [, what = "", rest = ""] = /^@bisect (\w+) ?(.*)$/.exec(line) ?? [];
    if (what === "log") log.push(rest);
    else if (what === "maybe") maybe.push(commit(rest));
    else if (what !== "") words.set(what, rest);
    else if (!/^(?:@kdock|==>)/.test(line) && line.trim() !== "") said.push(line);
  }
  const [next, first, left] = [words.get("try"), words.get("first"), words.get("left")];
  const [commits = 0, steps = 0] = (left ?? "").split(" ").map(Number);
  return {
    next: next === undefined ? undefined : commit(next),
    left: left === undefined ? undefined : { commits, steps },
    first:
      first === undefined
        ? undefined
        : {
            ...{ hash: first, subject: words.get("subject") ?? "" },
            ...{ author: words.get("author") ?? "", date: words.get("date") ?? "" },
          },
    ...{ maybe, log, said, version: words.get("version") },
  };
}

function commit(text: string): Commit {
  const [hash = ""] = text.split(" ");
  return { hash, subject: text.slice(hash.length + 1) };
}

/** .kdock/bisect.json: what a search needs to go on. */
export const BisectState = z.strictObject({
  /** In its long form: "git:URL" without a ref, or "path:FOLDER". */
  repository: z.string(),
  good: z.string(),
  bad: z.string(),
  command: z.tuple([z.string()]).rest(z.string()),
  bootTimeoutSeconds: z.number(),
  skipBuildFailures: z.boolean(),
  /** Where it was begun: flags name paths from there. */
  cwd: z.string(),
  /** As typed, without the source. */
  flags: z.record(z.string(), z.unknown()),
  /** One for the whole search, or every object would be compiled anew at the step where it changes. */
  toolchain: z.string(),
  /** The commit that is to be tried; its kernel may be built already. */
  next: z.strictObject({ hash: z.string(), subject: z.string() }),
  /** Of the last bad kernel's artifacts, which are kept until there is another one. */
  badKey: z.string().optional(),
});
export type BisectState = z.output<typeof BisectState>;

/** The repository that a kernel source lies in, whatever commit of it. Throws a `config` error for one without history. */
export function repositoryOf(source: string): string {
  const spec = sourceSpec(source);
  if (spec.kind === "git") return `git:${spec.url}`;
  if (spec.kind === "path") return source;
  throw new KdockError("config", `${source} has no history to search: bisect takes a git source`, {
    hint: "Give one with --kernel git:URL#REF or --kernel ./linux (kernel.source).",
  });
}

/** Its folder as the user wrote it; undefined for one that is elsewhere. */
export function repositoryFolder(repository: string): string | undefined {
  const address = addressOf(repository);
  return repository.startsWith("path:") ? address : localRepository(address);
}

/** "git:URL" without its first word. */
function addressOf(repository: string): string {
  return repository.slice(repository.indexOf(":") + 1);
}

/** What bisect.sh is told at the start: where git finds the history, the two commits, and what people call the place. */
export function startWords(
  repository: string,
  local: LocalRepository | undefined,
  { good, bad }: Pick<BisectState, "good" | "bad">,
): readonly string[] {
  const address = addressOf(repository);
  const commits = [good, bad].map((word) => headOf(word, local));
  return ["start", local === undefined ? address : INSIDE.repository, ...commits, address];
}

/** A worktree's HEAD is none of its repository's. */
function headOf(word: string, local: LocalRepository | undefined): string {
  if (local?.head === undefined) return word;
  return word.replace(/^(?:HEAD|@)(?=$|[~^])/, local.head.replace(/^refs\/heads\//, ""));
}

/** What the kernel of one commit is called in manifests, tables and keys. */
export function commitSource(repository: string, hash: string): string {
  const address = addressOf(repository);
  if (!repository.startsWith("path:")) return `git:${address}#${hash}`;
  // It has to be an address of git's, whatever the folder is called.
  const folder = address.replace(/[^\w@:/.~+%=,-]/g, "-");
  return `git:${/^\.{0,2}\//.test(folder) ? folder : `./${folder}`}#${hash}`;
}

/** kdock.yaml's words for the kernel of one commit. */
export function bisectConfig(
  config: Config,
  { repository, toolchain }: Pick<BisectState, "repository" | "toolchain">,
  hash: string,
): Config {
  return {
    ...config,
    kernel: { ...config.kernel, source: commitSource(repository, hash), toolchain },
  };
}

/** The build of what bisect.sh has checked out: in volumes of its own, which all steps share. */
export function bisectBuild(
  plan: BuildPlan,
  names: ProjectNames,
  { repository, toolchain }: Pick<BisectState, "repository" | "toolchain">,
): BuildPlan {
  const name = `bisect-${sha256(repository).slice(0, 8)}`;
  const own = [
    [names.volume("src", name), INSIDE.source, "source"],
    [names.volume("build", `${name}-${toolchain}`), INSIDE.objects, "objects"],
  ] as const;
  const replaced: readonly string[] = own.map(([, target]) => target);
  const others = plan.container.mounts.filter(({ target }) => !replaced.includes(target));
  return {
    ...plan,
    container: {
      ...plan.container,
      command: ["compile"],
      mounts: [...own.map(([volume, target]) => ({ volume, target, readOnly: false })), ...others],
    },
    volumes: {
      ...Object.fromEntries(own.map(([volume, , role]) => [volume, labels(role, names.id)])),
      ...Object.fromEntries(
        Object.entries(plan.volumes).filter(([volume]) => others.some((m) => m.volume === volume)),
      ),
    },
  };
}

/** git's bisect, beside the source that it puts into place. */
export function bisectContainer(
  build: BuildPlan,
  names: ProjectNames,
  words: readonly string[],
  local: LocalRepository | undefined,
): ContainerSpec {
  return {
    ...build.container,
    name: names.buildContainer("bisect"),
    entrypoint: ["sh", "/usr/local/lib/kdock/bisect.sh"],
    command: words,
    mounts: build.container.mounts.filter(({ target }) => target === INSIDE.source),
    hostPaths: sourceHostPaths({ repository: local }).hostPaths ?? [],
  };
}
