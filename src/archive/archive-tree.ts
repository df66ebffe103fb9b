import type { Header } from "tar-stream";
import type { KdockError } from "../core/errors.js";
import { archiveError, type ArchiveSource, FROM_CONTAINER } from "./archive-source.js";

export interface PlacedEntry {
  /** Relative, without the archive's leading folder. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink";
  readonly mode: number;
  /** A symbolic link's text, or the path of a hard link's original; "" for others. */
  readonly target: string;
}

const MAX_PATH_LENGTH = 4096;

/**
 * Which symbolic links are accepted: those that stay inside, or all, as text. No entry is written through a link in either case;
 * readers of the result may follow them.
 */
export type LinkPolicy = "inside" | "as-text";

/** "plain": no control characters, and no backslash, which separates folders on Windows; "any": all valid names. */
export type NamePolicy = "plain" | "any";

export interface ArchiveTreeOptions {
  /** "inside" unless given. */
  readonly links?: LinkPolicy | undefined;
  /** "plain" unless given. */
  readonly names?: NamePolicy | undefined;
  /** The container unless given. */
  readonly source?: ArchiveSource;
}

/** The entries of an untrusted archive so far; checks whether the next one may be added. */
export class ArchiveTree {
  readonly #kinds = new Map<string, Exclude<PlacedEntry["kind"], "hardlink">>();
  /** Of symbolic links with the policy "as-text". */
  readonly #texts = new Map<string, string>();
  readonly #leftOut = new Set<string>();
  readonly #links: LinkPolicy;
  readonly #names: NamePolicy;
  readonly #source: ArchiveSource;

  constructor({
    links = "inside",
    names = "plain",
    source = FROM_CONTAINER,
  }: ArchiveTreeOptions = {}) {
    this.#links = links;
    this.#names = names;
    this.#source = source;
  }

  /** Records an entry that is left out; throws the source's error for an unsafe path. */
  leaveOut({ name }: Header): void {
    this.#leftOut.add(this.#inside(name));
  }

  /** The reason to leave out a hard link whose original was left out; undefined for other entries. */
  missingOriginal(header: Header): string | undefined {
    if (header.type !== "link") return undefined;
    const original = this.#inside(linkNameOf(header));
    return this.#leftOut.has(original)
      ? `which is a hard link to ${show(original)}, which was left out`
      : undefined;
  }

  /** Undefined for the leading folder. Throws the source's error for entries that must not be extracted. */
  place(header: Header): PlacedEntry | undefined {
    const { name } = header;
    const problem = unusable(header);
    if (problem !== undefined) throw this.#refused(name, problem);
    const kind = kindOf(header);
    if (kind === undefined) throw this.#refused(name, "whose type is unknown");
    const path = this.#inside(name);
    if (path === "") {
      if (kind === "directory") return undefined;
      throw this.#refused(name, "where a folder was expected");
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

  /** A hard link to a symbolic link. */
  #textOf(header: Header): string | undefined {
    return this.#texts.get(this.#inside(linkNameOf(header)));
  }

  #claim(path: string, kind: "file" | "directory" | "symlink", name: string): void {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      const folder = path.slice(0, at);
      const known = this.#kinds.get(folder) ?? "directory";
      if (known !== "directory") throw this.#refused(name, `below ${folder}, which is a ${known}`);
      this.#kinds.set(folder, known);
    }
    const known = this.#kinds.get(path);
    // A folder may follow its entries.
    if (known !== undefined && (known !== "directory" || kind !== "directory")) {
      throw this.#refused(name, "twice");
    }
    this.#kinds.set(path, kind);
  }

  #target(header: Header, path: string): string {
    const { type, name } = header;
    const linkname = linkNameOf(header);
    if (type === "symlink" && this.#links === "as-text") return this.#linkText(name, linkname);
    if (type === "symlink") return this.#insideTarget(name, linkname, path);
    return type === "link" ? this.#hardLink(name, linkname) : "";
  }

  #hardLink(name: string, linkname: string): string {
    const original = this.#inside(linkname);
    if (this.#kinds.get(original) !== "file") {
      throw this.#refused(name, `as a link to ${show(linkname)}, which is not a file in it`);
    }
    return original;
  }

  /** The path below the leading folder; "" for that folder. */
  #inside(name: string): string {
    const parts = name.replace(/\/$/, "").split("/");
    const below = parts.slice(1);
    const isSane =
      parts[0] !== "" &&
      parts[0] !== ".." &&
      below.every((part) => part !== "" && part !== "." && part !== "..");
    if (!isSane || name.length > MAX_PATH_LENGTH || NOT_IN_NAMES[this.#names].test(name)) {
      throw this.#refused(name, "which is not a safe path");
    }
    return below.join("/");
  }

  #linkText(name: string, text: string): string {
    const isText = text !== "" && text.length <= MAX_PATH_LENGTH && !text.includes("\0");
    if (!isText) throw this.#refused(name, `as a link to ${show(text)}`);
    return text;
  }

  /**
   * ".." is accepted at the start only, where it leaves real folders: after a name that is a link, the target would not follow
   * from the text.
   */
  #insideTarget(name: string, target: string, path: string): string {
    // "." and a doubled slash have no effect.
    const parts = target.split("/").filter((part, at) => part !== "." && (part !== "" || at === 0));
    const up = parts.findIndex((part) => part !== "..");
    const isSane = parts.slice(up === -1 ? parts.length : up).every((part) => part !== "..");
    const ups = up === -1 ? parts.length : up;
    const isText = target !== "" && !target.includes("\0") && !target.includes("\\");
    if (!isText || target.startsWith("/") || !isSane || ups > depth(path)) {
      throw this.#refused(name, `as a link to ${show(target)}, which may be outside`);
    }
    return target;
  }

  #refused(name: string, why: string): KdockError {
    return archiveError(this.#source, `holds ${show(name)} ${why}`.trimEnd());
  }
}

/** An empty one is null, contrary to tar-stream's types. */
function linkNameOf({ linkname }: { readonly linkname: string | null }): string {
  return linkname ?? "";
}

const SPECIAL: readonly unknown[] = ["block-device", "character-device", "fifo"];

/** Why a valid entry cannot be created on the host; undefined if it can. */
export function unusable(header: Header): string | undefined {
  const { type, name } = header;
  // U+FFFD stands for bytes that are not UTF-8: the file would get another name.
  if (name.includes("\ufffd")) return "whose name is not UTF-8";
  if (linkNameOf(header).includes("\ufffd")) return "whose link is not UTF-8";
  return SPECIAL.includes(type) ? `which is a ${type}` : undefined;
}

function kindOf({ type }: Header): PlacedEntry["kind"] | undefined {
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
      return undefined;
  }
}

const NOT_IN_NAMES: Readonly<Record<NamePolicy, RegExp>> = {
  // A backslash separates folders on Windows.
  // eslint-disable-next-line no-control-regex -- a terminal would interpret control characters
  plain: /[\\\u0000-\u001f\u007f]/,
  any: /\0/,
};

/** The number of parent folders. */
function depth(path: string): number {
  return path.split("/").length - 1;
}

function show(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
