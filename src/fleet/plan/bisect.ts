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

/** A commit's verdict, for `git bisect`. */
export type Mark = "good" | "bad" | "skip";

/** The rule of `git bisect run`; "abort" for a command that was killed, which is no verdict about the kernel. */
export function markOf(exitCode: number): Mark | "abort" {
  if (exitCode === 0) return "good";
  if (exitCode === 125) return "skip";
  return exitCode < 128 ? "bad" : "abort";
}

export interface Commit {
  readonly hash: string;
  readonly subject: string;
}

/** The state of a search, as images/kernel/bisect.sh prints it. */
export interface BisectStatus {
  /** The commit to try; undefined when the search has ended. */
  readonly next: Commit | undefined;
  /** The remaining candidates, and git's estimate of the steps. */
  readonly left: { readonly commits: number; readonly steps: number } | undefined;
  readonly first: (Commit & { readonly author: string; readonly date: string }) | undefined;
  /** When only skipped commits are left: the candidates. */
  readonly maybe: readonly Commit[];
  /** The good commit's version; only after "start". */
  readonly version: string | undefined;
  /** For `git bisect replay`. */
  readonly log: readonly string[];
  /** git's messages. */
  readonly messages: readonly string[];
}

export function readBisect(lines: readonly string[]): BisectStatus {
  const fields = new Map<string, string>();
  const [log, messages, maybe]: [string[], string[], Commit[]] = [[], [], []];
  for (const line of lines) {
    const [, field = "", rest = ""] = /^@bisect (\w+) ?(.*)$/.exec(line) ?? [];
    if (field === "log") log.push(rest);
    else if (field === "maybe") maybe.push(commit(rest));
    else if (field !== "") fields.set(field, rest);
    else if (!/^(?:@kdock|==>)/.test(line) && line.trim() !== "") messages.push(line);
  }
  const [next, first, left] = [fields.get("try"), fields.get("first"), fields.get("left")];
  const [commits = 0, steps = 0] = (left ?? "").split(" ").map(Number);
  return {
    next: next === undefined ? undefined : commit(next),
    left: left === undefined ? undefined : { commits, steps },
    first:
      first === undefined
        ? undefined
        : {
            ...{ hash: first, subject: fields.get("subject") ?? "" },
            ...{ author: fields.get("author") ?? "", date: fields.get("date") ?? "" },
          },
    ...{ maybe, log, messages, version: fields.get("version") },
  };
}

function commit(text: string): Commit {
  const [hash = ""] = text.split(" ");
  return { hash, subject: text.slice(hash.length + 1) };
}

/** .kdock/bisect.json: an unfinished search. */
export const BisectState = z.strictObject({
  /** In its long form: "git:URL" without a ref, or "path:FOLDER". */
  repository: z.string(),
  good: z.string(),
  bad: z.string(),
  command: z.tuple([z.string()]).rest(z.string()),
  bootTimeoutSeconds: z.number(),
  skipBuildFailures: z.boolean(),
  /** The working directory at the start: paths in `flags` are relative to it. */
  cwd: z.string(),
  /** As typed, without the source. */
  flags: z.record(z.string(), z.unknown()),
  /** Fixed for the whole search, since a change would recompile every object. */
  toolchain: z.string(),
  /** The commit to try; its kernel may be built already. */
  next: z.strictObject({ hash: z.string(), subject: z.string() }),
  /** The key of the last bad kernel, whose artifacts are kept until the next one. */
  badKey: z.string().optional(),
});
export type BisectState = z.output<typeof BisectState>;

/** The repository of a kernel source, without its ref. Throws a `config` error for a source without history. */
export function repositoryOf(source: string): string {
  const spec = sourceSpec(source);
  if (spec.kind === "git") return `git:${spec.url}`;
  if (spec.kind === "path") return source;
  throw new KdockError("config", `${source} has no history to search: bisect takes a git source`, {
    hint: "Give one with --kernel git:URL#REF or --kernel ./linux (kernel.source).",
  });
}

/** The repository's folder as the user wrote it; undefined for a remote one. */
export function repositoryFolder(repository: string): string | undefined {
  const address = addressOf(repository);
  return repository.startsWith("path:") ? address : localRepository(address);
}

/** Without "git:" or "path:". */
function addressOf(repository: string): string {
  return repository.slice(repository.indexOf(":") + 1);
}

/** bisect.sh's arguments for a new search: git's address of the repository, the two commits, and the address for messages. */
export function startArguments(
  repository: string,
  local: LocalRepository | undefined,
  { good, bad }: Pick<BisectState, "good" | "bad">,
): readonly string[] {
  const address = addressOf(repository);
  const commits = [good, bad].map((ref) => withHead(ref, local));
  return ["start", local === undefined ? address : INSIDE.repository, ...commits, address];
}

/** Replaces HEAD by a worktree's branch: HEAD of its repository is another one. */
function withHead(ref: string, local: LocalRepository | undefined): string {
  if (local?.head === undefined) return ref;
  return ref.replace(/^(?:HEAD|@)(?=$|[~^])/, local.head.replace(/^refs\/heads\//, ""));
}

/** The source of one commit's kernel, in manifests, tables and keys. */
export function commitSource(repository: string, hash: string): string {
  const address = addressOf(repository);
  if (!repository.startsWith("path:")) return `git:${address}#${hash}`;
  // The result must be a valid git source for any name of the folder.
  const folder = address.replace(/[^\w@:/.~+%=,-]/g, "-");
  return `git:${/^\.{0,2}\//.test(folder) ? folder : `./${folder}`}#${hash}`;
}

/** The configuration with the kernel of one commit. */
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

/** Builds the commit that bisect.sh has checked out, in source and object volumes that all steps of the search share. */
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

/** Runs images/kernel/bisect.sh, which checks commits out into the source volume. */
export function bisectContainer(
  build: BuildPlan,
  names: ProjectNames,
  args: readonly string[],
  local: LocalRepository | undefined,
): ContainerSpec {
  return {
    ...build.container,
    name: names.buildContainer("bisect"),
    entrypoint: ["sh", "/usr/local/lib/kdock/bisect.sh"],
    command: args,
    mounts: build.container.mounts.filter(({ target }) => target === INSIDE.source),
    hostPaths: sourceHostPaths({ repository: local }).hostPaths ?? [],
  };
}
