import { createHash } from "node:crypto";

/** A file of a local kernel tree. */
export interface TreeFile {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Milliseconds since 1970; see ScannedFile. */
  readonly modified: number;
  readonly changed: number;
  /** sha256 of the content, or of the link's text. */
  readonly digest: string;
  readonly isLink: boolean;
  /** A link's text, where the tree was just looked at. */
  readonly link?: string | undefined;
}

export interface TreeContent {
  readonly files: readonly TreeFile[];
  /** Changes with every file. */
  readonly digest: string;
  /** Changes with what the configuration is made from: Kconfig files, the scripts that they call, default configurations. */
  readonly kconfig: string;
  /** sha256 of the Makefile: a builder tells by it whether it sees the same tree. */
  readonly makefile: string;
  /** What a build in the tree itself has left. */
  readonly leftovers: readonly string[];
}

/** What is in many trees and no part of the kernel: repositories, editors' files, kdock's own. */
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

/** kbuild refuses a build elsewhere (O=) for these, file by file; arch/x86/include/generated is enough of a sign. */
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

export function treeContent(files: readonly TreeFile[]): TreeContent {
  const [all, kconfig] = [createHash("sha256"), createHash("sha256")];
  for (const file of files) {
    const line = `${file.path}\0${kindOf(file)}\0${file.digest}\n`;
    all.update(line);
    if (KCONFIG.test(file.path)) kconfig.update(line);
  }
  return {
    files,
    digest: all.digest("hex"),
    kconfig: kconfig.digest("hex"),
    makefile: files.find(({ path }) => path === "Makefile")?.digest ?? "",
    leftovers: leftoversAmong(files.map(({ path }) => path)),
  };
}

function kindOf({ isLink, mode }: TreeFile): string {
  return isLink ? "l" : (mode & 0o111) === 0 ? "f" : "x";
}

export interface TreeChanges {
  /** New, or with another content or mode. */
  readonly changed: readonly TreeFile[];
  readonly gone: readonly string[];
}

export function treeChanges(before: readonly TreeFile[], after: readonly TreeFile[]): TreeChanges {
  const old = new Map(before.map((file) => [file.path, file]));
  const changed = after.filter((file) => {
    const was = old.get(file.path);
    return was?.digest !== file.digest || kindOf(was) !== kindOf(file);
  });
  const now = new Set(after.map(({ path }) => path));
  return { changed, gone: before.map(({ path }) => path).filter((path) => !now.has(path)) };
}

/** Whether everybody may read all of it: a builder has a user of its own. */
export function isReadable(files: readonly TreeFile[]): boolean {
  return files.every(({ mode, isLink }) => isLink || (mode & 0o004) !== 0);
}

/** One line a file; `readIndex` reads it. */
export function indexText(files: readonly TreeFile[]): string {
  return files
    .map(({ path, mode, size, modified, changed, digest, isLink }) =>
      [digest, mode.toString(8), size, modified, changed, isLink ? "l" : "f", path].join("\t"),
    )
    .join("\n");
}

/** A line that was not written by `indexText` (an interrupted or older kdock's) is left out. */
export function readIndex(text: string): TreeFile[] {
  return text.split("\n").flatMap((line) => {
    const [digest = "", mode = "", size, modified, changed, kind, ...path] = line.split("\t");
    if (path.length === 0) return [];
    return [
      {
        digest,
        mode: Number.parseInt(mode, 8),
        size: Number(size),
        modified: Number(modified),
        changed: Number(changed),
        isLink: kind === "l",
        path: path.join("\t"),
      },
    ];
  });
}
