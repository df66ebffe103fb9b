import { sourceSpec } from "../../config/source-spec.js";
import type { ContainerSpec, Labels } from "../../core/plan/container-spec.js";
import type { BasePlan } from "./image-plan.js";
import { REQUESTS } from "../../core/plan/kconfig.js";
import { INSIDE, LABEL, type ProjectNames, VERIFIED_CCACHE_VOLUME } from "../../core/plan/names.js";
import type { InputTree } from "./user-files.js";

/**
 * The origin of the code that a kernel's build runs. Make, scripts and plugins of a source can write anything into the compiler
 * cache, whose objects are linked into other kernels. Only builds of "verified" code share a cache: apt has checked the source
 * against Debian's signature, and the project adds nothing that make or a shell would execute. Other projects have a separate
 * cache each.
 *
 * A digest in kdock.lock does not make a source verified: the project's author controls the lock, too.
 */
export type KernelCode = "verified" | "project";

export interface CodeInputs {
  readonly source: string;
  readonly base: Pick<BasePlan, "registryRef">;
  /** All files in /in, by path there, except a key for modules, which only openssl reads. */
  readonly files: Readonly<Record<string, string>>;
  readonly trees: readonly InputTree[];
}

export function codeOf({ source, base, files, trees }: CodeInputs): KernelCode {
  const { [REQUESTS]: requests = "", ...others } = files;
  const isVerified =
    sourceSpec(source).kind === "debian" &&
    isDebianBase(base) &&
    trees.length === 0 &&
    Object.keys(others).length === 0 &&
    hasOnlyPlainValues(requests);
  return isVerified ? "verified" : "project";
}

/** Bootstrapped images are verified by apt; Debian publishes its images in Docker's "library". */
function isDebianBase({ registryRef }: CodeInputs["base"]): boolean {
  return registryRef === undefined || registryRef.startsWith("docker.io/library/");
}

const PLAIN_VALUE = /^CONFIG_\w+=(?:[ymn]|-?\d+|0[xX][\da-fA-F]+)$/;

/** String values are excluded: make expands them, including `$(shell …)`. */
function hasOnlyPlainValues(requests: string): boolean {
  return requests
    .split(/\r\n|[\r\n]/)
    .map((line) => line.trim())
    .every((line) => line === "" || line.startsWith("#") || PLAIN_VALUE.test(line));
}

/** Labels of volumes that builds of verified code have created. */
export const VERIFIED_LABELS: Labels = { [LABEL.code]: "verified" };

export function cacheVolume(code: KernelCode, names: ProjectNames): string {
  return code === "verified" ? VERIFIED_CCACHE_VOLUME : names.ccacheVolume;
}

/**
 * Whether code that is not verified may have written to the volumes of source and objects. Once a project has built such code,
 * or an older version of kdock has created a volume, its builds use the project's own cache, until `kdock clean --all`.
 */
export function isTainted(
  wanted: Readonly<Record<string, Labels>>,
  there: readonly { readonly name: string; readonly labels: Labels }[],
  names: ProjectNames,
): boolean {
  return there.some(
    ({ name, labels }) =>
      name === names.ccacheVolume ||
      (wanted[name]?.[LABEL.code] !== undefined && labels[LABEL.code] === undefined),
  );
}

/** The container with the project's own cache instead of the shared one. */
export function withOwnCache(spec: ContainerSpec, names: ProjectNames): ContainerSpec {
  return {
    ...spec,
    mounts: spec.mounts.map((mount) =>
      mount.target === INSIDE.ccache ? { ...mount, volume: names.ccacheVolume } : mount,
    ),
  };
}
