/** Without a tag the engine would pull all tags there are. */
export function withTag(ref: string): string {
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  return name.includes(":") || name.includes("@") ? ref : `${ref}:latest`;
}
