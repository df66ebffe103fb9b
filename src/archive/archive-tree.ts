import type { Header } from "tar-stream";
import { KdockError } from "../errors.js";

export interface PlacedEntry {
  /** Relative, without the archive's leading folder. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink";
  readonly mode: number;
  /** A symbolic link's text, or the path of the file that a hard link is another name of; "" for others. */
  readonly target: string;
}

const MAX_PATH_LENGTH = 4096;

/**
 * Which symbolic links are taken: those that stay inside, or all, as text. No entry is ever written through one, in either
 * case; what reads the result later may follow them.
 */
export type LinkPolicy = "inside" | "as-text";

/** "plain": none that a terminal would obey, or that is two on Windows; "any": whatever a file may be called. */
export type NamePolicy = "plain" | "any";

/** What an archive has built so far, to judge whether its next entry may be added. It trusts no archive. */
export class ArchiveTree {
  readonly #kinds = new Map<string, Exclude<PlacedEntry["kind"], "hardlink">>();
  /** Of symbolic links that are taken as text. */
  readonly #texts = new Map<string, string>();
  readonly #links: LinkPolicy;
  readonly #names: NamePolicy;

  constructor(links: LinkPolicy = "inside", names: NamePolicy = "plain") {
    this.#links = links;
    this.#names = names;
  }

  /** undefined for the leading folder itself. Throws an `engine` error for entries that must not be unpacked. */
  place(header: Header): PlacedEntry | undefined {
    const { name } = header;
    const problem = unusable(header);
    if (problem !== undefined) throw refused(name, problem);
    const kind = kindOf(header);
    const path = inside(name, this.#names);
    if (path === "") {
      if (kind === "directory") return undefined;
      throw refused(name, "where a folder was expected");
    }
    const mode = header.mode & 0o777;
    const text = kind === "hardlink" ? this.#textOf(header) : undefined;
    if (text !== undefined) {
      this.#claim(path, "symlink", name);
      return { path, kind: "symlink", mode, target: text };
    }
    this.#claim(path, kind === "hardlink" ? "file" : kind, name);
    const target = this.#target(header, path);
    if (kind === "symlink" && this.#links === "as-text") this.#texts.set(path, target);
    return { path, kind, mode, target };
  }

  /** A symbolic link may have two names as well. */
  #textOf(header: Header): string | undefined {
    return this.#texts.get(inside(linkNameOf(header), this.#names));
  }

  #claim(path: string, kind: "file" | "directory" | "symlink", name: string): void {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      const folder = path.slice(0, at);
      const known = this.#kinds.get(folder) ?? "directory";
      if (known !== "directory") throw refused(name, `below ${folder}, which is a ${known}`);
      this.#kinds.set(folder, known);
    }
    const known = this.#kinds.get(path);
    // Folders may be named again: their contents may have come first.
    if (known !== undefined && (known !== "directory" || kind !== "directory")) {
      throw refused(name, "twice");
    }
    this.#kinds.set(path, kind);
  }

  #target(header: Header, path: string): string {
    const { type, name } = header;
    const linkname = linkNameOf(header);
    if (type === "symlink" && this.#links === "as-text") return linkText(name, linkname);
    if (type === "symlink") return insideTarget(name, linkname, path);
    return type === "link" ? this.#hardLink(name, linkname) : "";
  }

  #hardLink(name: string, linkname: string): string {
    const original = inside(linkname, this.#names);
    if (this.#kinds.get(original) !== "file") {
      throw refused(name, `as a link to ${show(linkname)}, which is no file in it`);
    }
    return original;
  }
}

/** tar-stream's types do not say that an empty one is null. */
function linkNameOf({ linkname }: { readonly linkname: string | null }): string {
  return linkname ?? "";
}

const SPECIAL: readonly unknown[] = ["block-device", "character-device", "fifo"];

/** Why an honest archive's entry cannot be a file of this machine; undefined where it can. */
export function unusable(header: Header): string | undefined {
  const { type, name } = header;
  // What stands for bytes that are no UTF-8: the file's name would be another one.
  if (name.includes("\ufffd")) return "whose name is not UTF-8";
  if (linkNameOf(header).includes("\ufffd")) return "whose link is not UTF-8";
  return SPECIAL.includes(type) ? `which is a ${type}` : undefined;
}

function kindOf({ type, name }: Header): PlacedEntry["kind"] {
  switch (type) {
    case "file":
    case "contiguous-file":
      return "file";
    case "directory":
      return "directory";
    case "symlink":
      return "symlink";
    case "link":
      return "hardlink";
    default:
      throw refused(name, "whose type is unknown");
  }
}

const NOT_IN_NAMES: Readonly<Record<NamePolicy, RegExp>> = {
  // A backslash separates folders on Windows.
  // eslint-disable-next-line no-control-regex -- no name that a terminal would obey either
  plain: /[\\\u0000-\u001f\u007f]/,
  any: /\0/,
};

/** The path below the leading folder; "" for that folder. */
function inside(name: string, names: NamePolicy): string {
  const parts = name.replace(/\/$/, "").split("/");
  const below = parts.slice(1);
  const isSane =
    parts[0] !== "" &&
    parts[0] !== ".." &&
    below.every((part) => part !== "" && part !== "." && part !== "..");
  if (!isSane || name.length > MAX_PATH_LENGTH || NOT_IN_NAMES[names].test(name)) {
    throw refused(name, "which is no safe path");
  }
  return below.join("/");
}

function linkText(name: string, text: string): string {
  const isText = text !== "" && text.length <= MAX_PATH_LENGTH && !text.includes("\0");
  if (!isText) throw refused(name, `as a link to ${show(text)}`);
  return text;
}

/**
 * ".." is taken at the start only, where it leaves real folders: after a name it could leave a folder that a link has
 * led to, and then no look at the text alone says where it ends.
 */
function insideTarget(name: string, target: string, path: string): string {
  // "." and a doubled slash lead nowhere.
  const parts = target.split("/").filter((part, at) => part !== "." && (part !== "" || at === 0));
  const up = parts.findIndex((part) => part !== "..");
  const isSane = parts.slice(up === -1 ? parts.length : up).every((part) => part !== "..");
  const ups = up === -1 ? parts.length : up;
  const isText = target !== "" && !target.includes("\0") && !target.includes("\\");
  if (!isText || target.startsWith("/") || !isSane || ups > depth(path)) {
    throw refused(name, `as a link to ${show(target)}, which may be outside`);
  }
  return target;
}

/** How many folders are above. */
function depth(path: string): number {
  return path.split("/").length - 1;
}

function refused(name: string, why: string): KdockError {
  const message = `the archive from the container holds ${show(name)} ${why}`;
  return new KdockError("engine", message.trimEnd());
}

function show(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
