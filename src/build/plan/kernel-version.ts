import type { Config } from "../../config/config.js";
import { sourceSpec } from "../../config/source-spec.js";
import { type Lock, sourceName } from "../lock/lock.js";
import type { UserFiles } from "./user-files.js";

/** Sources of a kernel's version in addition to the name of its source. */
export interface KnownSources {
  readonly lock?: Lock | undefined;
  readonly user?: Pick<UserFiles, "tree"> | undefined;
}

/**
 * The kernel's version before a build, "6.12" or "6.12.30": debian and release sources name it, for a git source it is in the
 * lock, for a local tree in its Makefile. Undefined for a git source that is not locked yet.
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

/** The version in the kernel's Makefile: "6.12.30-rc1"; undefined for another Makefile. */
export function makefileVersion(text: string): string | undefined {
  const value = (name: string) => new RegExp(`^${name} *= *(\\S*)`, "m").exec(text)?.[1] ?? "";
  const [major, minor, sub] = [value("VERSION"), value("PATCHLEVEL"), value("SUBLEVEL")];
  if (!/^\d+$/.test(major) || !/^\d+$/.test(minor)) return undefined;
  return `${major}.${minor}${/^\d+$/.test(sub) ? `.${sub}` : ""}${value("EXTRAVERSION")}`;
}
