import type { Architecture, Config } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { architectureFrom, ARCHITECTURES } from "../../core/plan/architectures.js";
import type { BuildCost, Manifest } from "../../core/plan/manifest.js";

/** A kernel in .kdock/out. */
export interface BuiltKernel {
  readonly key: string;
  /** "6.12.48", as in `uname -r`. */
  readonly release: string;
  /** "debian:6.12" */
  readonly source: string;
  readonly preset: string;
  readonly arch: Architecture;
  /** "gcc-14" */
  readonly toolchain: string;
  /** Size of all artifacts. */
  readonly bytes: number;
  /** Size of the boot image; undefined if it has another name. */
  readonly imageBytes: number | undefined;
  /** Milliseconds since 1970. */
  readonly builtAt: number;
  readonly cost: BuildCost | undefined;
  /** Whether it is in the current set. */
  readonly current: boolean;
}

export function builtKernel(
  manifest: Manifest,
  { builtAt, current }: Pick<BuiltKernel, "builtAt" | "current">,
): BuiltKernel {
  const { key, inputs, resolved, files, cost } = manifest;
  const text = (name: string) => (typeof inputs[name] === "string" ? inputs[name] : undefined);
  const arch = architectureFrom(inputs);
  const image = ARCHITECTURES[arch].image.target;
  return {
    key,
    release: resolved["release"] ?? "",
    source: text("source") ?? "",
    preset: text("preset") ?? "",
    arch,
    toolchain: text("toolchain") ?? "",
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    imageBytes: files.find(({ path }) => path === image)?.size,
    builtAt,
    cost,
    current,
  };
}

/** A key, or a prefix of one: at least four hexadecimal digits, which no source consists of. */
export function isKernelKey(word: string): boolean {
  return /^[\da-f]{4,16}$/.test(word);
}

/** The kernel whose key has this prefix. Throws a `usage` error with a list if there is not exactly one. */
export function chooseKernel(kernels: readonly BuiltKernel[], key: string): BuiltKernel {
  const [found, ...others] = kernels.filter((kernel) => kernel.key.startsWith(key));
  if (found === undefined) {
    throw new KdockError("usage", `no kernel with the key ${key} is built here${listed(kernels)}`, {
      hint:
        kernels.length === 0
          ? "`kdock build` builds one."
          : "`kdock kernels` lists them; `kdock build` builds another one.",
    });
  }
  if (others.length > 0) {
    throw new KdockError(
      "usage",
      `${others.length + 1} kernels have a key that starts with ${key}${listed([found, ...others])}`,
      { hint: "Give more digits of the key." },
    );
  }
  return found;
}

function listed(kernels: readonly BuiltKernel[]): string {
  if (kernels.length === 0) return "";
  return `:${kernels.map(({ key, release, source, preset }) => `\n  ${key}  ${release}  ${source}, ${preset}`).join("")}`;
}

/** The configuration with the settings that a kernel was built with, which decide how it is run. */
export function configOfKernel(config: Config, built: BuiltKernel): Config {
  const { source, preset, toolchain, arch } = built;
  return {
    ...config,
    kernel: {
      ...config.kernel,
      source,
      preset: preset as Config["kernel"]["preset"],
      ...(toolchain === "" ? {} : { toolchain }),
      arch,
    },
  };
}
