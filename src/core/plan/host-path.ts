/** The absolute path of one in kdock.yaml, where it is relative to the project's folder. */
export function hostPath(folder: string, written: string): string {
  return written.startsWith("/") ? written : `${folder}/${written.replace(/^(\.\/+)+/, "")}`;
}
