import { sourceSpec } from "../../config/source-spec.js";
import type { ContainerSpec, Labels } from "../../core/plan/container-spec.js";
import type { BasePlan } from "./image-plan.js";
import { REQUESTS } from "../../core/plan/kconfig.js";
import { INSIDE, LABEL, type ProjectNames, VERIFIED_CCACHE_VOLUME } from "../../core/plan/names.js";
import type { InputTree } from "./user-files.js";

/**
 * Whose code a kernel's build runs. Make, scripts and plugins of a source can write whatever they like into the compiler
 * cache, and what is there is linked into other kernels. Builds of "verified" code share one cache: apt has checked the
 * source against Debian's signature, and the project adds nothing that make or a shell would execute. Every other project has
 * a cache of its own.
 *
 * A digest in kdock.lock does not make a source verified: the project's author writes the lock, too.
 */
export type KernelCode = "verified" | "project";

export interface CodeInputs {
  readonly source: string;
  readonly base: Pick<BasePlan, "registryRef">;
  /** All that goes into /in, by path there, but a key for modules: openssl reads that, and nothing runs it. */
  readonly files: Readonly<Record<string, string>>;
  readonly trees: readonly InputTree[];
}

export function codeOf({ source, base, files, trees }: CodeInputs): KernelCode {
  const { [REQUESTS]: requests = "", ...others } = files;
  const isVerified =
    sourceSpec(source).kind === "debian" &&
    isDebians(base) &&
    trees.length === 0 &&
    Object.keys(others).length === 0 &&
    hasOnlyPlainValues(requests);
  return isVerified ? "verified" : "project";
}

/** Bootstrapped ones are checked by apt; Docker's own "library" is Debian's place in a registry. */
function isDebians({ registryRef }: CodeInputs["base"]): boolean {
  return registryRef === undefined || registryRef.startsWith("docker.io/library/");
}

const PLAIN_VALUE = /^CONFIG_\w+=(?:[ymn]|-?\d+|0[xX][\da-fA-F]+)$/;

/** Make expands what a text holds, `$(shell …)` included, and hands it to shells. */
function hasOnlyPlainValues(requests: string): boolean {
  return requests
    .split(/\r\n|[\r\n]/)
    .map((line) => line.trim())
    .every((line) => line === "" || line.startsWith("#") || PLAIN_VALUE.test(line));
}

/** Of volumes that builds of verified code have made. */
export const VERIFIED_LABELS: Labels = { [LABEL.code]: "verified" };

export function cacheVolume(code: KernelCode, names: ProjectNames): string {
  return code === "verified" ? VERIFIED_CCACHE_VOLUME : names.ccacheVolume;
}

/**
 * Whether source and objects may hold what other code has left there: once a project has built such, or an older kdock has
 * made one of the volumes, its later builds keep to the project's own cache, until `kdock clean --all`.
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

/** The container with the project's own cache in the place of the shared one. */
export function withOwnCache(spec: ContainerSpec, names: ProjectNames): ContainerSpec {
  return {
    ...spec,
    mounts: spec.mounts.map((mount) =>
      mount.target === INSIDE.ccache ? { ...mount, volume: names.ccacheVolume } : mount,
    ),
  };
}
