import { KdockError } from "../../core/errors.js";
import { slug } from "../../core/plan/names.js";

/** A module's folder; paths are relative to it. */
export interface ModuleFolder {
  /** As typed, for messages. */
  readonly shown: string;
  readonly paths: readonly string[];
  /** The text of Kbuild, else of Makefile; undefined where there is neither. */
  readonly makefile: string | undefined;
}

/** Folders of other tools. */
const SKIPPED_FOLDERS =
  /^(?:\.git|\.svn|\.hg|\.kdock|\.tmp_versions|\.vscode|\.idea|node_modules)$/;
/** Products of an in-place build, which kbuild would take as up to date. */
const BUILD_PRODUCTS =
  /^(?:.*\.(?:o|ko|mod|mod\.c|o\.d|symvers)|\..*\.cmd|modules\.order|modules\.livepatch|\.cache\.mk|\..*\.swp)$/;

/** Whether an entry of a module's folder is sent to the builder. */
export function belongsToModule(name: string, isFolder: boolean): boolean {
  return isFolder ? !SKIPPED_FOLDERS.test(name) : !BUILD_PRODUCTS.test(name);
}

/** The name of the module's folders: `--name`, else derived from the folder's name. */
export function moduleName(folder: string, given: string | undefined): string {
  const name = given ?? slug(folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "");
  if (/^[A-Za-z0-9][\w.-]*$/.test(name)) return name;
  const what = name === "" ? "the folder's name" : name;
  throw new KdockError("usage", `${what} is not a valid module name`, {
    hint: "Give it a name of letters, digits, dots, dashes and underscores: --name mymod.",
  });
}

/** Throws a `config` error with the missing Kbuild lines as hint if kbuild would find nothing to build. */
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
  if (first === undefined) return `Add C files, and a line to ${file}: obj-m := NAME.o`;
  const objects = [first, ...others].map((name) => `${name}.o`).join(" ");
  const each = `obj-m := ${objects}`;
  if (others.length === 0) return `Write one line into ${file}: ${each}`;
  return `Write into ${file}: "${each}" for one module per file, or "obj-m := NAME.o" and "NAME-y := ${objects}" for one module of all files.`;
}

/** Throws a `config` error for a kernel without module support. `config` is its final .config. */
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
 * Rewrites source paths in compiler output to the user's. Kernels before 6.13 print absolute paths of the container,
 * later ones paths relative to the module's folder.
 */
export function withUserPaths(
  line: string,
  { inside, shown, paths }: { inside: string; shown: string; paths: ReadonlySet<string> },
): string {
  const moved = line
    .replaceAll(`${inside}/`, shown === "." ? "" : `${shown}/`)
    // The folder itself: "make: *** [Makefile:12: /module/hello] Error 2".
    .replace(new RegExp(`${inside}(?=[\\]'"\\s]|$)`, "g"), shown);
  if (moved !== line || shown === ".") return moved;
  const [, before = "", path = ""] =
    /^((?:In file included from| +from)? *)([^\s:]+):\d+/.exec(line) ?? [];
  return paths.has(path) ? `${before}${shown}/${line.slice(before.length)}` : line;
}
