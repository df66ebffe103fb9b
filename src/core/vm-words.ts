import { DEFAULT_VM } from "./plan/names.js";

/** The flag that names a VM, for commands in messages: " --vm NAME"; "" for the only one. */
export function vmWords(name: string | undefined): string {
  return name === undefined ? "" : ` --vm ${name}`;
}

/** The same where others are not known of: the VM that was given no name is taken for the only one. */
export function vmWordsUnlessDefault(name: string): string {
  return vmWords(name === DEFAULT_VM ? undefined : name);
}
