import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { type KeyInputs, sha256 } from "../../core/plan/keys.js";
import { INSIDE } from "../../core/plan/names.js";
import type { SourceTree, UserFiles } from "./user-files.js";

/**
 * The build time of every kernel from a local tree, 1 January 2000: mtimes differ between copies of the same files.
 */
const EPOCH = 946_684_800;

/** The tree's part of volume names. */
export function treeName(folder: string): string {
  return `path-${folder.split("/").at(-1) ?? ""}-${sha256(folder).slice(0, 8)}`;
}

/** Stands for the name of the source among the inputs of a kernel's key. */
export const LOCAL_TREE = "a local tree";

/** A tree is identified by its content, not by its path. */
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

/** A file below /in: facts about a tree for source-path.sh and build.sh. */
export const SOURCE_NOTE = "source";

/** Input of images/kernel/source-path.sh, and of build.sh, which reads a marker in the volume for other sources. */
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

/** Host paths that are mounted for a builder: a tree, or a repository with its alternates. */
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
