import { INSIDE, slug } from "../../core/plan/names.js";

/** A file of this machine that a program in a container gets. */
export interface PlacedFile {
  /** Absolute, on this machine. */
  readonly path: string;
  /** In INSIDE.input. */
  readonly name: string;
}

/**
 * A program's arguments with the container's path in the place of each one that is a file here; `files` maps these, as
 * they were typed, to absolute paths.
 */
export function placeFiles(
  args: readonly string[],
  files: ReadonlyMap<string, string>,
): { readonly args: readonly string[]; readonly placed: readonly PlacedFile[] } {
  const placed = new Map<string, PlacedFile>();
  for (const [typed, path] of files) {
    const name = `${placed.size + 1}-${slug(path.split("/").at(-1) ?? "")}`;
    placed.set(typed, { path, name });
  }
  return {
    args: args.map((arg) => {
      const file = placed.get(arg);
      return file === undefined ? arg : `${INSIDE.input}/${file.name}`;
    }),
    placed: [...placed.values()],
  };
}
