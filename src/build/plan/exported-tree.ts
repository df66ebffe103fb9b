/** In the exported folder: says that it is one, and of what. */
export const EXPORT_MARKER = ".kdock-source-export";

/** Where the generated sources and headers are in an exported folder. */
export function exportedObjects(path: string): string {
  return `${path}/.kdock-build`;
}
