import type { Context } from "./context.js";

/** The arguments of a program that are files of the host, with their absolute paths. */
export async function filesAmong(
  { host: { files } }: Context,
  args: readonly string[],
  at: (path: string) => string,
): Promise<ReadonlyMap<string, string>> {
  // `exists` rejects for text that cannot be a path.
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
