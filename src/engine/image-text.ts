/** Without a tag the engine would pull all tags there are. */
export function withTag(ref: string): string {
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  return name.includes(":") || name.includes("@") ? ref : `${ref}:latest`;
}

/** A Dockerfile instruction; JSON's quoting is what Dockerfiles understand, but for `$`. */
export function labelInstruction(key: string, value: string): string {
  return `LABEL ${JSON.stringify(key)}=${JSON.stringify(value).replaceAll("$", "\\$")}`;
}
