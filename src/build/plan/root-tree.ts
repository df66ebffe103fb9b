import type { Content } from "../../archive/content.js";
import { plainPath } from "../../core/byte-path.js";
import { KdockError } from "../../core/errors.js";

/** One entry of the guest's root. */
export type RootfsEntry = { readonly path: string } & (
  { readonly kind: "directory"; readonly mode: number } | Leaf
);

type Leaf =
  | {
      readonly kind: "file";
      readonly mode: number;
      readonly content: Content;
      /** See OverlayFile. */
      readonly link?: string | undefined;
      readonly head?: Uint8Array;
    }
  | { readonly kind: "symlink"; readonly target: string }
  | SpecialNode;

/** A device or pipe. */
export type SpecialNode =
  | {
      readonly kind: "character-device" | "block-device";
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    }
  | { readonly kind: "fifo"; readonly mode: number };

interface Folder {
  readonly kind: "directory";
  mode: number;
  readonly children: Map<string, Folder | Leaf>;
}

/** The folders from the root down to one. */
type Place = readonly [Folder, ...Folder[]];

const FOLDER_MODE = 0o755;
/** The kernel's limit (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * The guest's root while layers are merged. An entry replaces one with the same path, but folders are merged, and links to
 * folders are followed as in the guest. images/rootfs/pack.pl does the same; a test compares both.
 */
export class RootTree {
  readonly #root: Folder = newFolder();

  /** Creates missing folders; add a folder before its entries to set its mode. */
  add(entry: RootfsEntry): void {
    const parts = entry.path.split("/");
    const name = parts.pop() ?? "";
    const parent = this.#folderFor(parts);
    const here = last(parent);
    const there = here.children.get(name);
    if (entry.kind === "directory") {
      const folder = there === undefined ? undefined : this.#find(parent, name, false);
      if (folder === undefined) here.children.set(name, newFolder(entry.mode));
      else last(folder).mode = entry.mode;
    } else if (entry.kind === "symlink" && there?.kind === "directory") {
      here.children.set(name, entry);
      if (there.children.size > 0) this.#moveToTarget(parent, entry, there);
    } else here.children.set(name, entry);
  }

  /** Parents before children. */
  entries(): RootfsEntry[] {
    const found: RootfsEntry[] = [];
    const list = (folder: Folder, above: string) => {
      for (const [name, child] of folder.children) {
        const path = above + name;
        if (child.kind === "directory") {
          found.push({ path, kind: "directory", mode: child.mode });
          list(child, `${path}/`);
        } else found.push({ ...child, path });
      }
    };
    list(this.#root, "");
    return found;
  }

  /** The entry at an absolute path, links followed; undefined if there is none. */
  resolve(path: string): Folder | Leaf | undefined {
    const parts = path.split("/").filter((part) => part !== "");
    return this.#at([this.#root], parts, { left: MAX_LINKS });
  }

  #at(from: Place, parts: readonly string[], links: Links): Folder | Leaf | undefined {
    const parent = this.#find(from, parts.slice(0, -1).join("/"), false, links);
    const found = parent && last(parent).children.get(parts.at(-1) ?? "");
    if (parent === undefined || found?.kind !== "symlink") return found;
    if ((links.left -= 1) < 0) return undefined;
    const { target } = found;
    const further = target.split("/").filter((part) => part !== "");
    const start: Place = target.startsWith("/") ? [this.#root] : parent;
    // A target that ends in a folder, "..", or the root.
    return this.#at(start, further, links) ?? optional(this.#find(start, target, false, links));
  }

  /** The folder of a new entry; replaces files on the way. */
  #folderFor(parts: readonly string[]): Place {
    let place: Place = [this.#root];
    for (const part of parts) {
      const next = this.#find(place, part, true);
      if (next !== undefined) {
        place = next;
        continue;
      }
      const folder = newFolder();
      last(place).children.set(part, folder);
      place = [...place, folder];
    }
    return place;
  }

  /** The folder at a path, resolved as in the kernel; `make` creates missing ones. */
  #find(
    from: Place,
    path: string,
    make: boolean,
    links: Links = { left: MAX_LINKS },
  ): Place | undefined {
    let place: Place = path.startsWith("/") ? [this.#root] : from;
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      const next = part === ".." ? above(place) : this.#step(place, part, make, links);
      if (next === undefined) return undefined;
      place = next;
    }
    return place;
  }

  #step(place: Place, name: string, make: boolean, links: Links): Place | undefined {
    const here = last(place);
    const child = here.children.get(name);
    if (child?.kind === "directory") return [...place, child];
    if (child?.kind === "symlink") {
      if ((links.left -= 1) < 0) return undefined;
      return this.#find(place, child.target, make, links);
    }
    if (child !== undefined || !make) return undefined;
    const folder = newFolder();
    here.children.set(name, folder);
    return [...place, folder];
  }

  /** When a link replaces a folder, moves the folder's entries to the link's target, so that both paths have them. */
  #moveToTarget(
    parent: Place,
    link: { readonly path: string; readonly target: string },
    was: Folder,
  ): void {
    const to = this.#find(parent, link.target, true);
    if (to === undefined) {
      const [from, target] = [link.path, link.target].map(plainPath);
      throw new KdockError(
        "config",
        `rootfs.overlay: ${from} is a link to ${target}, which is no folder, where the guest's root has a folder`,
        { hint: "Link it to a folder, or remove it from the overlay." },
      );
    }
    mergeFolder(was, last(to), link.path.split("/"), 0);
  }
}

interface Links {
  left: number;
}

function newFolder(mode = FOLDER_MODE): Folder {
  return { kind: "directory", mode, children: new Map() };
}

function last(place: Place): Folder {
  return place[place.length - 1] ?? place[0];
}

function optional(place: Place | undefined): Folder | undefined {
  return place && last(place);
}

function above([root, ...folders]: Place): Place {
  return [root, ...folders.slice(0, -1)];
}

/** Existing entries of `to` are kept. `at` is the path of `from`, `depth` its depth below the folder that is moved. */
function mergeFolder(from: Folder, to: Folder, at: readonly string[], depth: number): void {
  for (const [name, child] of from.children) {
    const there = to.children.get(name);
    if (child.kind === "directory" && there?.kind === "directory") {
      mergeFolder(child, there, [...at, name], depth + 1);
    } else if (there === undefined) {
      to.children.set(name, movedFrom(child, name, at, depth));
    }
  }
}

/** Relative links that leave the moved folder become absolute. */
function movedFrom(
  child: Folder | Leaf,
  name: string,
  at: readonly string[],
  depth: number,
): Folder | Leaf {
  if (child.kind === "symlink") {
    return { kind: "symlink", target: movedTarget(child.target, at, depth) };
  }
  if (child.kind !== "directory") return child;
  const folder = newFolder(child.mode);
  mergeFolder(child, folder, [...at, name], depth + 1);
  return folder;
}

function movedTarget(target: string, at: readonly string[], depth: number): string {
  if (target.startsWith("/")) return target;
  const path = [...at];
  let isInside = true;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") path.pop();
    else path.push(part);
    if (path.length < at.length - depth) isInside = false;
  }
  return isInside ? target : `/${path.join("/")}`;
}
