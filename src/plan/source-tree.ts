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
  /** The tree when it was looked at before, by its digest, and the files that are new or other since then. */
  readonly last?: { readonly digest: string; readonly changed: readonly TreeFile[] } | undefined;
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

/** What a tree holds; `last` is what it held when it was looked at before, with the files that are new or other since then. */
export function treeContent(files: readonly TreeFile[], last?: TreeContent["last"]): TreeContent {
  const [all, kconfig] = [new LineDigest(), new LineDigest()];
  for (const file of files) {
    const line = `${file.path}\0${kindOf(file)}\0${file.digest}\n`;
    all.add(line);
    if (KCONFIG.test(file.path)) kconfig.add(line);
  }
  return {
    files,
    last,
    digest: all.hex(),
    kconfig: kconfig.hex(),
    makefile: files.find(({ path }) => path === "Makefile")?.digest ?? "",
    leftovers: leftoversAmong(files.map(({ path }) => path)),
  };
}

/** Lines are many and short: each call of a hash costs more than they do. */
class LineDigest {
  readonly #hash = createHash("sha256");
  #lines: string[] = [];

  add(line: string): void {
    if (this.#lines.push(line) >= 1000) this.#flush();
  }

  hex(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #flush(): void {
    this.#hash.update(this.#lines.join(""));
    this.#lines = [];
  }
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
  const changed = after.filter((file) => isOther(old.get(file.path), file));
  const now = new Set(after.map(({ path }) => path));
  return { changed, gone: before.map(({ path }) => path).filter((path) => !now.has(path)) };
}

/** Whether a file was not there, or had another content or mode. */
export function isOther(was: TreeFile | undefined, file: TreeFile): boolean {
  return was?.digest !== file.digest || kindOf(was) !== kindOf(file);
}

/** Whether everybody may read all of it: a builder has a user of its own. */
export function isReadable(files: readonly TreeFile[]): boolean {
  return files.every(({ mode, isLink }) => isLink || (mode & 0o004) !== 0);
}
