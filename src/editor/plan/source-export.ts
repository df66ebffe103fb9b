import type { BuildPlan } from "../../build/plan/build-plan.js";
import { type ContainerSpec, PLAIN } from "../../core/plan/container-spec.js";
import type { ExportedTree } from "../../build/plan/gdb-script.js";
import { stageKey } from "../../core/plan/keys.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

export const COMPILE_COMMANDS = "compile_commands.json";

/** Whether a path in /src is part of the kernel's source; kdock keeps files of its own there. */
export function isKernelSource(path: string): boolean {
  return !/^\.(?:kdock-|fetch\.)/.test(path);
}

export interface ExportRequest {
  /** Absolute. */
  readonly path: string;
  readonly compileCommands: boolean;
}

/** Runs images/editor/collect.sh with the volumes of source and objects, read-only. */
export function exportContainer(
  plan: BuildPlan,
  names: ProjectNames,
  image: string,
  volumes: ReadonlySet<string>,
  request: ExportRequest,
): ContainerSpec {
  return {
    name: names.buildContainer("export"),
    image,
    entrypoint: ["sh", `${INSIDE.input}/collect.sh`],
    command: request.compileCommands ? ["compile-commands"] : [],
    env: {},
    labels: labels("build", names.id),
    mounts: plan.container.mounts
      .filter(({ volume, target }) => target !== INSIDE.ccache && volumes.has(volume))
      .map((mount) => ({ ...mount, readOnly: true })),
    ...PLAIN,
    network: "none",
    hostname: undefined,
    capDrop: ["ALL"],
  };
}

/** The result of collect.sh. */
export interface FoundSource {
  readonly origin: string;
  readonly compiled: boolean;
  readonly tree: string;
  readonly generated: string;
}

export function foundSource(lines: readonly string[]): FoundSource {
  const field = (name: string) =>
    lines.find((line) => line.startsWith(`@kdock ${name} `))?.slice(name.length + 8) ?? "";
  return {
    origin: field("origin"),
    compiled: lines.includes("@kdock compiled"),
    tree: field("tree"),
    generated: field("generated"),
  };
}

/** A hash over the export's files, and over its path if compile_commands.json contains it. */
export function exportKey(found: FoundSource, request: ExportRequest): string {
  return stageKey({
    tree: found.tree,
    generated: found.generated,
    "compile commands": request.compileCommands ? request.path : "",
  });
}

interface CompileCommand {
  readonly directory: string;
  readonly file: string;
  readonly command: string;
}

/** gcc options that clangd rejects, and options that only a build needs; complete for x86 in Linux 4.19 to 6.12. */
const BUILD_ONLY_OPTIONS = [
  /^-Wp,-MM?D,/,
  /^-fplugin/,
  /^-f(?:no-)?conserve-stack$/,
  /^-fno-allow-store-data-races$/,
  /^--param=allow-store-data-races=/,
  /^-fmin-function-alignment=/,
  /^-fno-(?:ipa|stringop|partial|var-tracking|code-hoisting|reorder)/,
  /^-m(?:record-mcount|skip-rax-setup)$/,
  /^-mpreferred-stack-boundary=/,
  /^-m(?:indirect-branch|function-return)/,
  /^-femit-struct-debug/,
];

/** The kernel's compile_commands.json with the paths of the exported tree and `arguments` instead of `command`. */
export function editorCompileCommands(text: string, to: ExportedTree): string {
  const entries = (JSON.parse(text) as CompileCommand[]).map(({ directory, file, command }) => ({
    directory: moved(directory, to),
    file: moved(file, to),
    arguments: compilerWords(command)
      .filter((word) => !BUILD_ONLY_OPTIONS.some((option) => option.test(word)))
      .map((word) => moved(word, to)),
  }));
  return `${JSON.stringify(entries, undefined, 1)}\n`;
}

function compilerWords(command: string): string[] {
  const words = shellWords(command);
  // The wrappers that kdock's builder puts before the compiler.
  while (words[0] === "ccache" || words[0]?.endsWith("/kdock/cc.sh") === true) words.shift();
  return words;
}

/** Replaces `/src` and `/build` at the start of a path: of the word, or after an option's letter, "=" or ",". */
function moved(word: string, { source, objects }: ExportedTree): string {
  return word
    .replace(/^(-[A-Za-z]|[^/]*[=,:])?\/src(?=\/|$)/, (_match, before = "") => `${before}${source}`)
    .replace(
      /^(-[A-Za-z]|[^/]*[=,:])?\/build(?=\/|$)/,
      (_match, before = "") => `${before}${objects}`,
    );
}

/** Splits a command line as a shell does; make's commands have quotes, but no substitutions. */
export function shellWords(command: string): string[] {
  const words: string[] = [];
  const pieces = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsy;
  let word: string | undefined;
  for (const [piece, single, double, escaped, plain] of command.matchAll(pieces)) {
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word =
        (word ?? "") + (single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped ?? plain ?? "");
    }
  }
  return word === undefined ? words : [...words, word];
}
