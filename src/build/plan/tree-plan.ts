import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { type KeyInputs, sha256 } from "../../core/plan/keys.js";
import { INSIDE } from "../../core/plan/names.js";
import type { SourceTree, UserFiles } from "./user-files.js";

/**
 * The day of every build from a local tree, 1 January 2000: files have no date that is the same for everybody who has
 * these files.
 */
const EPOCH = 946_684_800;

/** What volumes are called after: the same for a tree however it was named. */
export function treeName(folder: string): string {
  return `path-${folder.split("/").at(-1) ?? ""}-${sha256(folder).slice(0, 8)}`;
}

/** In the place of a source's name, in what a kernel's key is made from. */
export const LOCAL_TREE = "a local tree";

/** A tree is known by what it holds, not by where it lies. */
export function treeInputs(tree: SourceTree | undefined): KeyInputs {
  if (tree === undefined) return {};
  return {
    source: LOCAL_TREE,
    version: tree.version,
    ...(tree.content === undefined ? {} : { "source tree": tree.content.digest }),
  };
}

export function treeEnvironment({
  tree,
  repository,
}: Partial<UserFiles>): Readonly<Record<string, string>> {
  const head = repository?.head;
  return {
    ...(tree === undefined ? {} : { KDOCK_SOURCE: "path:tree" }),
    ...(head === undefined ? {} : { KDOCK_SOURCE_HEAD: head }),
  };
}

/** Below /in: what source-path.sh and build.sh read about a tree. */
export const SOURCE_NOTE = "source";

/** What images/kernel/source-path.sh reads, and build.sh instead of the marker that a volume would have. */
export function treeFiles(tree: SourceTree | undefined): Readonly<Record<string, string>> {
  const { content } = tree ?? {};
  if (tree === undefined || content === undefined) return {};
  const lines = [
    "spec path:tree",
    `transport ${tree.transport}`,
    `origin local tree, Linux ${tree.version}`,
    `version ${tree.version}`,
    `tree ${content.digest}`,
    `kconfig ${content.kconfig}`,
    `makefile ${content.makefile}`,
    `epoch ${String(EPOCH)}`,
  ];
  return { [SOURCE_NOTE]: `${lines.join("\n")}\n` };
}

/** What a builder sees of this machine: a tree, or a repository with those that it relies on. */
export function sourceHostPaths({
  tree,
  repository,
}: Partial<UserFiles>): Pick<ContainerSpec, "hostPaths"> {
  const readOnly = true;
  if (tree?.transport === "mount") {
    return { hostPaths: [{ path: tree.folder, target: INSIDE.source, readOnly }] };
  }
  if (repository === undefined) return {};
  return {
    hostPaths: [
      { path: repository.folder, target: INSIDE.repository, readOnly },
      ...repository.alternates.map((path) => ({ path, target: path, readOnly })),
    ],
  };
}
