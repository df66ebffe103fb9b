import { KdockError } from "../../core/errors.js";
import { slug } from "../../core/plan/names.js";

/** What is in a module's folder: paths relative to it. */
export interface ModuleFolder {
  /** As the user typed it, for messages. */
  readonly shown: string;
  readonly paths: readonly string[];
  /** The text of Kbuild, else of Makefile; undefined where there is neither. */
  readonly makefile: string | undefined;
}

/** Folders that are no part of a module, and what a build beside the sources leaves, which would be taken for ours. */
const FOLDERS = /^(?:\.git|\.svn|\.hg|\.kdock|\.tmp_versions|\.vscode|\.idea|node_modules)$/;
const MADE =
  /^(?:.*\.(?:o|ko|mod|mod\.c|o\.d|symvers)|\..*\.cmd|modules\.order|modules\.livepatch|\.cache\.mk|\..*\.swp)$/;

/** Whether something in a module's folder, by its name alone, is sent to the builder. */
export function belongsToModule(name: string, isFolder: boolean): boolean {
  return isFolder ? !FOLDERS.test(name) : !MADE.test(name);
}

/** What a module's folder, hence the module, is called in paths: "--name" or the folder's own name. */
export function moduleName(folder: string, given: string | undefined): string {
  const name = given ?? slug(folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "");
  if (/^[A-Za-z0-9][\w.-]*$/.test(name)) return name;
  throw new KdockError("usage", `${name === "" ? "this folder" : name} is no name for a module`, {
    hint: "Give it one of letters, digits, dots, dashes and underscores: --name mymod.",
  });
}

/** Throws a `config` error that says what to write where kbuild would find nothing to do. */
export function checkModuleFolder({ shown, paths, makefile }: ModuleFolder): void {
  if (makefile !== undefined) {
    if (/(?:^|\s)obj-|^\s*-?include\s|\b(?:M|SUBDIRS|KBUILD_EXTMOD)=/m.test(makefile)) return;
    throw new KdockError("config", `${shown}: its Makefile names no module for kbuild`, {
      hint: writeKbuild(shown, paths),
    });
  }
  const what = sources(paths).length === 0 ? "no C file, and" : "";
  throw new KdockError(
    "config",
    `${shown} has ${what} neither Kbuild nor Makefile`.replace(/ +/g, " "),
    {
      hint: writeKbuild(shown, paths),
    },
  );
}

function sources(paths: readonly string[]): string[] {
  return paths.filter((path) => /^[^/]+\.c$/.test(path)).map((path) => path.slice(0, -2));
}

function writeKbuild(shown: string, paths: readonly string[]): string {
  const [first, ...others] = sources(paths);
  const file = `${shown}/Kbuild`;
  if (first === undefined)
    return `A module is a folder with C files, and a line in ${file}: obj-m := NAME.o`;
  const objects = [first, ...others].map((name) => `${name}.o`).join(" ");
  const each = `obj-m := ${objects}`;
  if (others.length === 0) return `Write one line into ${file}: ${each}`;
  return `Write into ${file}: "${each}" for a module of each file, or "obj-m := NAME.o" and "NAME-y := ${objects}" for one of all.`;
}

/** Throws a `config` error for a kernel that loads no modules. `config` is its final .config. */
export function requireModules(config: string, title: string): void {
  if (/^CONFIG_MODULES=y$/m.test(config)) return;
  throw new KdockError(
    "config",
    `this kernel (${title}) cannot load modules: CONFIG_MODULES is off`,
    {
      hint: "Switch it on with `--set CONFIG_MODULES=y`, or in kdock.yaml: kernel.set: { CONFIG_MODULES: y, CONFIG_MODULE_UNLOAD: y }.",
    },
  );
}

/**
 * A compiler's line with the file where the user has it. Kernels before 6.13 name sources by their whole path inside the
 * container, later ones as the module's folder has them.
 */
export function inUsersFolder(
  line: string,
  { inside, shown, paths }: { inside: string; shown: string; paths: ReadonlySet<string> },
): string {
  const moved = line
    .replaceAll(`${inside}/`, shown === "." ? "" : `${shown}/`)
    // The folder itself, as make names it: "make: *** [Makefile:12: /module/hello] Error 2".
    .replace(new RegExp(`${inside}(?=[\\]'"\\s]|$)`, "g"), shown);
  if (moved !== line || shown === ".") return moved;
  const [, before = "", path = ""] =
    /^((?:In file included from| +from)? *)([^\s:]+):\d+/.exec(line) ?? [];
  return paths.has(path) ? `${before}${shown}/${line.slice(before.length)}` : line;
}
