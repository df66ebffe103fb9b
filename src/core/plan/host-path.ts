/** The absolute path of what kdock.yaml, or whoever wrote it, calls `written`: relative to the project's folder. */
export function hostPath(folder: string, written: string): string {
  return written.startsWith("/") ? written : `${folder}/${written.replace(/^(\.\/+)+/, "")}`;
}
