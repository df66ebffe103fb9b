import { INSIDE, slug } from "../../core/plan/names.js";

/** A host file that is copied into a container. */
export interface PlacedFile {
  /** Absolute path on the host. */
  readonly path: string;
  /** File name in INSIDE.input. */
  readonly name: string;
}

/** Replaces each argument that is a host file by its path in the container; `files` maps arguments as typed to absolute host paths. */
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
