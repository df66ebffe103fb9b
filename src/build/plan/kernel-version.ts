import type { Config } from "../../config/config.js";
import { sourceSpec } from "../../config/source-spec.js";
import { type Lock, sourceName } from "../lock/lock.js";
import type { UserFiles } from "./user-files.js";

/** What may know more about the kernel than its source's name says. */
export interface KnownSources {
  readonly lock?: Lock | undefined;
  readonly user?: Pick<UserFiles, "tree"> | undefined;
}

/**
 * The kernel's version, "6.12" or "6.12.30", as far as it can be known without building: debian and release name it, of a
 * git source the lock knows it, of a local tree its Makefile. undefined for a git source that is not locked yet.
 */
export function kernelVersion(
  { kernel }: Pick<Config, "kernel">,
  { lock, user }: KnownSources = {},
): string | undefined {
  const spec = sourceSpec(kernel.source);
  switch (spec.kind) {
    case "debian":
    case "release":
      return spec.version;
    case "git":
      return lock?.sources[sourceName("kernel", kernel.source)]?.version;
    case "path":
      return user?.tree?.version;
  }
}

/** What a Makefile of the kernel says at its top: "6.12.30-rc1"; undefined when it is none. */
export function makefileVersion(text: string): string | undefined {
  const value = (name: string) => new RegExp(`^${name} *= *(\\S*)`, "m").exec(text)?.[1] ?? "";
  const [major, minor, sub] = [value("VERSION"), value("PATCHLEVEL"), value("SUBLEVEL")];
  if (!/^\d+$/.test(major) || !/^\d+$/.test(minor)) return undefined;
  return `${major}.${minor}${/^\d+$/.test(sub) ? `.${sub}` : ""}${value("EXTRAVERSION")}`;
}
