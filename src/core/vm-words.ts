/** The flag that names a VM, for commands in messages: " --vm NAME"; "" for the only one. */
export function vmWords(name: string | undefined): string {
  return name === undefined ? "" : ` --vm ${name}`;
}
