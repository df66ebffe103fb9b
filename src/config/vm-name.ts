/** A name becomes part of a container's, and is the guest's host name: what RFC 1123 allows, short. */
const VM_NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** Why a VM cannot be called that; undefined when it can. */
export function vmNameProblem(name: string): string | undefined {
  if (VM_NAME.test(name)) return undefined;
  return `${name} cannot be a VM's name: lower-case letters, digits and dashes, 32 at most, a letter first`;
}
