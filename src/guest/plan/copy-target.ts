import { KdockError } from "../../core/errors.js";

/** What is at a path that is copied from. A link is copied as it is, unless a slash behind it says what is behind it. */
export type SourceKind = "file" | "directory" | "symlink";

/** What is at a path that is copied to, links followed. "special" is a device, socket or pipe. */
export type TargetKind = "file" | "directory" | "special" | "nothing" | "no-parent";

export interface CopyTarget {
  /** A folder that is there. */
  readonly folder: string;
  /** What the copy is called in it; "" for a folder's contents, which go right into it. */
  readonly name: string;
  /** A folder of this name is there already, and what is copied goes into it. */
  readonly merges: boolean;
}

/** Where a copy lands, as `docker cp` and `cp -r` have it. `nested` tells what is at folder/name when that must be known. */
export function copyTarget(
  source: { readonly path: string; readonly kind: SourceKind },
  target: { readonly path: string; readonly kind: TargetKind; readonly nested: TargetKind },
): CopyTarget {
  const isFolder = source.kind === "directory";
  const { path } = target;
  switch (target.kind) {
    case "no-parent":
      throw new KdockError("usage", `there is no folder ${parentOf(path)} to copy into`, {
        hint: "Make it first: nothing is guessed.",
      });
    case "directory": {
      if (isFolder && meansContents(source.path)) {
        return { folder: path, name: "", merges: true };
      }
      const name = nameOf(source.path);
      check(isFolder, target.nested, `${withoutSlash(path)}/${name}`);
      return { folder: path, name, merges: isFolder && target.nested === "directory" };
    }
    case "file":
    case "special":
      check(isFolder, target.kind, path);
      if (path.endsWith("/")) throw new KdockError("usage", `${path} is no folder`);
      return { folder: parentOf(path), name: nameOf(path), merges: false };
    case "nothing":
      if (!isFolder && path.endsWith("/")) {
        throw new KdockError("usage", `there is no folder ${path}`, {
          hint: "Make it first, or leave the slash out to copy to a file of this name.",
        });
      }
      return { folder: parentOf(path), name: nameOf(path), merges: false };
  }
}

function check(isFolder: boolean, there: TargetKind, path: string): void {
  // As root, a copy to /dev/null would leave the machine without one.
  if (there === "special") {
    throw new KdockError(
      "usage",
      `${path} is a device, socket or pipe: a copy cannot take its place`,
    );
  }
  if (isFolder && there === "file") {
    throw new KdockError("usage", `${path} is a file: a folder cannot take its place`);
  }
  if (!isFolder && there === "directory") {
    throw new KdockError("usage", `${path} is a folder: a file cannot take its place`);
  }
}

/** "folder/." stands for what is in it. */
export function meansContents(path: string): boolean {
  return /(^|\/)\.\/*$/.test(path);
}

/** What a copy of this path is called. */
export function nameOf(path: string): string {
  return (
    withoutSlash(path.replace(/(\/\.)+\/*$/, ""))
      .split("/")
      .at(-1) ?? ""
  );
}

export function parentOf(path: string): string {
  const plain = withoutSlash(path);
  const at = plain.lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : plain.slice(0, at);
}

function withoutSlash(path: string): string {
  return path.replace(/(.)\/+$/, "$1");
}
