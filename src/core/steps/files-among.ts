import type { Context } from "./context.js";

/** Those of a program's arguments that are files of this machine, with their absolute paths. */
export async function filesAmong(
  { host: { files } }: Context,
  args: readonly string[],
  at: (path: string) => string,
): Promise<ReadonlyMap<string, string>> {
  // A text that cannot be a path is none.
  const isFile = async (path: string) =>
    (await files.exists(path).catch(() => false)) && !(await files.isFolder(path));
  const found = new Map<string, string>();
  for (const arg of args) {
    const path = at(arg);
    if (arg === "" || arg.startsWith("-") || path.startsWith("/dev/")) continue;
    if (await isFile(path)) found.set(arg, path);
  }
  return found;
}
