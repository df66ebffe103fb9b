import { pathIn } from "../../core/folder-columns.js";
import { sha256 } from "../../core/plan/keys.js";
import { digestAt, fileAt, isLink, type TreeFile, type TreeFolder } from "./tree-folder.js";

/** A summary of a local kernel tree. The entries of its files are in the index with this digest. */
export interface TreeContent {
  /** Changes with every file. */
  readonly digest: string;
  /** Changes with the inputs of the configuration: Kconfig files, the scripts that they call, default configurations. */
  readonly kconfig: string;
  /** sha256 of the Makefile: a builder checks by it that it sees the same tree. */
  readonly makefile: string;
  /** Files that an in-tree build left. */
  readonly leftovers: readonly string[];
  /** Whether all files are readable for others: a builder runs as another user. */
  readonly isReadable: boolean;
  /** The digest of the previous scan, and the files that are new or changed since then. */
  readonly last?: { readonly digest: string; readonly changed: readonly TreeFile[] } | undefined;
}

/** Files in a tree that are not part of the kernel: repositories, files of editors and of kdock. */
export function isIgnored(path: string): boolean {
  return (
    /^(?:\.git|\.kdock[^/]*|kdock\.(?:yaml|lock)|\.cache|\.vscode|\.idea|\.clangd|compile_commands\.json)(?:\/|$)/.test(
      path,
    ) ||
    /(?:^|\/)(?:cscope\.[^/]*|tags|TAGS|GTAGS|GRTAGS|GPATH|\.#[^/]*|[^/]*~|[^/]*\.sw[op])$/.test(
      path,
    )
  );
}

/** kbuild refuses an out-of-tree build (O=) if one of these exists. */
export function leftoversAmong(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const [sign] =
      /^(?:\.config$|include\/(?:config|generated)(?=\/)|arch\/[^/]+\/include\/generated(?=\/)|vmlinux$)/.exec(
        path,
      ) ?? [];
    if (sign !== undefined) found.add(sign);
  }
  return [...found].sort();
}

const KCONFIG =
  /(?:^|\/)Kconfig[^/]*$|^scripts\/|^arch\/[^/]+\/configs\/|^kernel\/configs\/|^Makefile$/;

type Contents = Omit<TreeFolder, "digest" | "kconfig">;

/** A folder with the digests that follow from those of its files. */
export function digestedFolder(folder: Contents): TreeFolder {
  const [all, kconfig]: [string[], string[]] = [[], []];
  for (const [index, name] of folder.names.entries()) {
    const line = `${name}\0${kindOf(folder.modes[index] ?? 0)}\0${digestAt(folder, index)}\n`;
    all.push(line);
    if (KCONFIG.test(pathIn(folder.path, name))) kconfig.push(line);
  }
  return { ...folder, digest: digestOf(all), kconfig: digestOf(kconfig) };
}

/** The summary of a tree. Folders come before their subfolders, each in code-unit order. */
export function treeContent(
  folders: readonly TreeFolder[],
  last?: TreeContent["last"],
): TreeContent {
  const [root] = folders;
  const makefile = root?.names.indexOf("Makefile") ?? -1;
  const names = root?.names ?? [];
  const filled = folders.filter((folder) => folder.names.length > 0);
  return {
    last,
    digest: digestOf(filled.map(({ path, digest }) => `${path}\0${digest}\n`)),
    kconfig: digestOf(filled.map(({ path, kconfig }) => `${path}\0${kconfig}\n`)),
    makefile: root === undefined || makefile < 0 ? "" : digestAt(root, makefile),
    leftovers: leftoversAmong([...names, ...filled.map(({ path }) => `${path}/`)]),
    isReadable: folders.every(({ modes }) => modes.every(mayBeRead)),
  };
}

function mayBeRead(mode: number): boolean {
  return isLink(mode) || (mode & 0o004) !== 0;
}

/** "" for an empty list. */
function digestOf(lines: readonly string[]): string {
  return lines.length === 0 ? "" : sha256(lines.join(""));
}

/** Of a mode from lstat, or of permission bits. */
function kindOf(mode: number): string {
  return isLink(mode) ? "l" : (mode & 0o111) === 0 ? "f" : "x";
}

/** The files of a folder that are new, or differ in content or kind, compared with an earlier state of it. */
export function changedFilesIn(
  folder: Omit<Contents, "modified" | "changed">,
  was: TreeFolder | undefined,
): TreeFile[] {
  const before = new Map(was?.names.map((name, index) => [name, index]));
  return folder.names.flatMap((name, index) => {
    const at = before.get(name);
    const isUnchanged =
      was !== undefined &&
      at !== undefined &&
      digestAt(was, at) === digestAt(folder, index) &&
      kindOf(was.modes[at] ?? 0) === kindOf(folder.modes[index] ?? 0);
    return isUnchanged ? [] : [fileAt(folder, index)];
  });
}

export interface TreeChanges {
  /** New, or with another content or kind. */
  readonly changed: readonly TreeFile[];
  readonly removed: readonly string[];
}

export function treeChanges(
  before: readonly TreeFolder[],
  after: readonly TreeFolder[],
): TreeChanges {
  const old = new Map(before.map((folder) => [folder.path, folder]));
  const now = new Map(after.map((folder) => [folder.path, new Set(folder.names)]));
  return {
    changed: after.flatMap((folder) => changedFilesIn(folder, old.get(folder.path))),
    removed: before.flatMap(({ path, names }) =>
      names.filter((name) => now.get(path)?.has(name) !== true).map((name) => pathIn(path, name)),
    ),
  };
}
