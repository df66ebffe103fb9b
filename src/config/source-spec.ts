import type { Parsed } from "./addresses.js";
import { holdsPassword, passwordProblem } from "../core/redact.js";
import { nearest } from "./spelling.js";

/** Where a kernel's source comes from, as `kernel.source` says it in one word. */
export type SourceSpec =
  /** Debian's package linux-source-X.Y. */
  | { readonly kind: "debian"; readonly version: string }
  /** A tarball of kernel.org: "6.12.30", "7.1-rc3", or "6.12" for the newest of that line. */
  | { readonly kind: "release"; readonly version: string }
  | { readonly kind: "git"; readonly url: string; readonly ref: string }
  /** A local tree; relative to the folder of kdock.yaml, or absolute. */
  | { readonly kind: "path"; readonly folder: string };

export const PROVIDERS = ["debian", "release", "git", "path"] as const;

export const SOURCE_FORM = "debian:X.Y, release:X.Y[.Z], git:URL#REF or path:FOLDER";

/** The kernels of the Debian suites that kdock uses. */
export const DEBIAN_LINES: readonly string[] = ["5.10", "6.1", "6.12"];

export const DEFAULT_SOURCE = "debian:6.12";

const LINE = /^\d+\.\d+$/;
const RELEASE = /^\d+\.\d+(?:\.\d+)?(?:-rc\d+)?$/;
/** Neither means anything to a shell. A ref that begins with a dash would be an option of git's. */
const URL =
  /^(?:(?:https?|git|ssh|file):\/\/[\w@:/.~+%=,[\]-]+|[\w.-]+@[\w.-]+:[\w/.~+-]+|\.{0,2}\/[\w@:/.~+%=,-]+)$/;
/** What nobody takes for a name. */
const PATH = /^(?:\/|\.{1,2}(?:\/|$))/;
const REF = /^[\w.+@][\w./+@-]*$/;

/** What the project says besides the word: it decides what a bare version stands for. */
export interface SourceContext {
  /** The project's own kernel.source, in its long form. */
  readonly source: string;
  /** kernel.mirrors */
  readonly mirrors: readonly string[];
}

export const NO_SOURCE_CONTEXT: SourceContext = { source: DEFAULT_SOURCE, mirrors: [] };

/**
 * The long form of a word that names a kernel: "./linux" → "path:./linux", "6.1.20" → "release:6.1.20", and "6.1" from
 * where the project has its kernel. A word that is none is returned as it is, for `parseSource` to refuse.
 */
export function expandSource(word: string, { source, mirrors }: SourceContext): string {
  if (PATH.test(word)) return `path:${word}`;
  if (!RELEASE.test(word)) return word;
  if (!LINE.test(word)) return `release:${word}`;
  const project = parseSource(source);
  const spec = "value" in project ? project.value : undefined;
  if (spec?.kind === "git") return `git:${spec.url}#v${word}`;
  return spec?.kind === "release" || mirrors.length > 0 ? `release:${word}` : `debian:${word}`;
}

/** A word whose folder is relative, to a tree or to a repository, counted from another one: in its long form then. */
export function sourceFrom(word: string, absolute: (path: string) => string): string {
  const long = expandSource(word, NO_SOURCE_CONTEXT);
  const [, kind = "", path = "", ref = ""] =
    /^(path:)(.+)$/s.exec(long) ?? /^(git:)(\.[^#]*)(#.*)$/s.exec(long) ?? [];
  return path === "" ? word : `${kind}${absolute(path)}${ref}`;
}

/** Reads the long form. */
export function parseSource(text: string): Parsed<SourceSpec> {
  if (holdsPassword(text)) return { problem: passwordProblem(text) };
  return parsed(text);
}

function parsed(text: string): Parsed<SourceSpec> {
  const [, kind, rest = ""] = /^([A-Za-z]+):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case "debian":
      if (LINE.test(rest)) return { value: { kind, version: rest } };
      return {
        problem: RELEASE.test(rest)
          ? `Debian has one kernel X.Y each, for example debian:${lineOf(rest)}; for exactly this one write release:${rest}`
          : `expected debian:X.Y, for example debian:6.12, got "${text}"`,
      };
    case "release":
      return releaseOf(text, rest);
    case "git":
      return gitOf(text, rest);
    case "path":
      if (rest !== "" && !/[\0\n]/.test(rest)) return { value: { kind, folder: rest } };
      return { problem: "expected path:FOLDER, for example path:../linux, got no folder" };
    default:
      return { problem: `expected ${SOURCE_FORM}, got "${text}"${advice(text, kind)}` };
  }
}

/** The same of text that has been checked. */
export function sourceSpec(text: string): SourceSpec {
  const parsed = parseSource(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

/** The folder of a repository of this machine, as it is written there; undefined for an address of another one. */
export function localRepository(url: string): string | undefined {
  const path = url.replace(/^file:\/\//, "");
  return PATH.test(path) ? path : undefined;
}

/** "6.12.30" → "6.12" */
export function lineOf(version: string): string {
  return version.split(/[.-]/, 2).join(".");
}

function releaseOf(text: string, version: string): Parsed<SourceSpec> {
  if (!RELEASE.test(version)) {
    const bare = version.replace(/^(?:v|linux-)/, "");
    const meant = RELEASE.test(bare) ? `; did you mean release:${bare}?` : "";
    return {
      problem: `expected release:X.Y or release:X.Y.Z, for example release:6.12.30, got "${text}"${meant}`,
    };
  }
  if (Number.parseInt(version) < 3) {
    return {
      problem: `no compiler of today builds Linux ${version}: releases from 3.0 on are known`,
    };
  }
  return { value: { kind: "release", version } };
}

function gitOf(text: string, rest: string): Parsed<SourceSpec> {
  const at = rest.lastIndexOf("#");
  const [url, ref] = at < 0 ? [rest, ""] : [rest.slice(0, at), rest.slice(at + 1)];
  if (ref === "") {
    return { problem: `expected git:URL#REF: a branch, tag or commit has to follow ${text}` };
  }
  if (!URL.test(url))
    return { problem: `expected git:URL#REF, and "${url}" is no address of git's` };
  if (!REF.test(ref)) {
    return { problem: `expected git:URL#REF, and "${ref}" is no branch, tag or commit` };
  }
  return { value: { kind: "git", url, ref } };
}

function advice(text: string, kind: string | undefined): string {
  if (/^(?:v|linux-)\d/.test(text)) return `; did you mean ${text.replace(/^(?:v|linux-)/, "")}?`;
  if (kind === "http" || kind === "https" || kind === "ssh")
    return `; did you mean git:${text}#REF?`;
  const near = kind === undefined ? undefined : nearest(kind, PROVIDERS);
  if (near !== undefined) return `; did you mean ${near}:?`;
  return /^[\w.-]+(?:\/[\w.-]+)*$/.test(text) && kind === undefined && /[a-z]/i.test(text)
    ? `; for a folder write ./${text}`
    : "";
}
