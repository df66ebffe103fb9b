/** Marks an exported folder, and names its source. */
export const EXPORT_MARKER = ".kdock-source-export";

/** The folder of generated sources and headers in an exported folder. */
export function exportedObjects(path: string): string {
  return `${path}/.kdock-build`;
}
