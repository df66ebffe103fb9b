import type { Architecture, Config } from "../../config/config.js";
import { expandSource, sourceSpec } from "../../config/source-spec.js";
import {
  ARCHITECTURES,
  architectureOf,
  debuggerOn,
  type EngineArchitecture,
  suffixOf,
} from "../../core/plan/architectures.js";
import type { Asset, Assets } from "../../core/plan/assets.js";
import type { KnownSources } from "../plan/kernel-version.js";
import { kernelToolchain } from "../plan/toolchain.js";
import type { Suite } from "../plan/toolchain.js";
import { type Lock, sourceName } from "./lock.js";
import type { UpdatePart } from "../../core/plan/choices.js";

/** An image whose packages the lock pins. */
export interface ImageRequest {
  /** Its name in the lock: "kernel gcc-14", "vm". */
  readonly name: string;
  readonly kind: "kernel" | "busybox" | "vm" | "gdb";
  readonly suite: Suite;
  /** "gcc-14" for the kernel's builder. */
  readonly toolchain: string | undefined;
  /** See `crossFor`; undefined for images without a compiler. */
  readonly cross: string | undefined;
  /** Packages for this architecture, in addition to images/KIND/packages. */
  readonly extra: readonly string[];
  /** Packages that the image must have: `extra` and those of images/KIND/packages. */
  readonly packages: readonly string[];
}

/** A source whose version and digest the lock pins. */
export interface SourceRequest {
  /** Its name in the lock, "kernel debian:6.12". */
  readonly name: string;
  readonly kind: "kernel" | "busybox";
  /** "debian:6.12" */
  readonly spec: string;
  /** The suite that is searched first. */
  readonly suite: Suite;
  /**
   * Whether the builder image is needed to resolve it. Not for Debian's packages, which any apt resolves, nor for tarballs whose
   * sha256 is given.
   */
  readonly inBuilder: boolean;
}

export interface LockRequests {
  readonly bases: readonly Suite[];
  readonly images: readonly ImageRequest[];
  readonly sources: readonly SourceRequest[];
}

/** Everything that must be pinned for a configuration's build to be reproducible. */
export function lockRequests(
  config: Config,
  engine: EngineArchitecture,
  assets: Assets = new Map(),
  known: KnownSources = {},
): LockRequests {
  const { suite, compiler } = kernelToolchain(config, known);
  const { arch } = config.kernel;
  const { qemu } = architectureOf(config);
  const plain = { toolchain: undefined, cross: undefined, extra: [] } as const;
  const own = { suite: "trixie", ...plain } as const;
  const cross = crossFor(arch);
  const image = (request: Omit<ImageRequest, "packages">): ImageRequest => ({
    ...request,
    packages: [...namedPackages(assets.get(`images/${request.kind}/packages`)), ...request.extra],
  });
  return {
    bases: [...new Set([suite, own.suite])].sort(),
    images: [
      image({
        ...{ name: kernelImageName(compiler, arch), kind: "kernel", suite, ...plain },
        ...{ toolchain: compiler, cross },
      }),
      image({ name: busyboxImageName(arch), kind: "busybox", ...own, cross }),
      image({ name: vmImageName(arch), kind: "vm", ...own, extra: qemu.packages }),
      image({
        ...{ name: gdbImageName(arch, engine), kind: "gdb", ...own },
        extra: gdbExtra(arch, engine),
      }),
    ],
    sources: [
      ...kernelSource(config, suite),
      {
        name: sourceName("busybox", config.busybox.source),
        kind: "busybox",
        spec: config.busybox.source,
        suite: own.suite,
        inBuilder: !isKnownBusybox(config, assets),
      },
    ],
  };
}

/** A configuration for each kernel of kdock.yaml's matrix. */
export function matrixConfigs(config: Config): Config[] {
  const { kernel, matrix } = config;
  const archs = matrix.archs.length === 0 ? [kernel.arch] : matrix.archs;
  const sources = matrix.kernels.map((word) => expandSource(word, kernel));
  const all = new Map(
    archs.flatMap((arch) =>
      sources.map((source) => [`${source} ${arch}`, { ...kernel, source, arch }] as const),
    ),
  );
  all.delete(`${kernel.source} ${kernel.arch}`);
  return [...all.values()].map((each) => ({ ...config, kernel: each }));
}

/** The entries to keep in the lock: those of the configuration and of the matrix. */
export function keptRequests(
  config: Config,
  engine: EngineArchitecture,
  assets: Assets = new Map(),
  known: KnownSources = {},
): LockRequests {
  const all = [config, ...matrixConfigs(config)].map((each) =>
    lockRequests(each, engine, assets, known),
  );
  return {
    bases: [...new Set(all.flatMap(({ bases }) => bases))].sort(),
    images: all.flatMap(({ images }) => images),
    sources: all.flatMap(({ sources }) => sources),
  };
}

/** Empty for a local tree, which is not pinned. */
function kernelSource(config: Config, suite: Suite): SourceRequest[] {
  const spec = config.kernel.source;
  if (sourceSpec(spec).kind === "path") return [];
  const inBuilder = sourceSpec(spec).kind !== "debian";
  return [{ name: sourceName("kernel", spec), kind: "kernel", spec, suite, inBuilder }];
}

/** Whether the sha256 of the tarball is given. */
function isKnownBusybox({ busybox }: Config, assets: Assets): boolean {
  if (busybox.sha256 !== undefined) return true;
  const sums = Buffer.from(assets.get("images/busybox/sha256sums")?.content ?? []).toString();
  const file = `busybox-${busybox.source.slice("release:".length)}.tar.bz2`;
  return sums.split("\n").some((line) => line.endsWith(`  ${file}`));
}

/** Packages that are needed in every suite; for conditions see images/apt/archives.sh. */
function namedPackages(list: Asset | undefined): string[] {
  return listed(list)
    .filter(([, condition]) => condition === undefined || condition.startsWith("<"))
    .flatMap(([name = ""]) => (name === "" ? [] : [name]));
}

/** Packages that builders of all suites take from one suite: package → suite. */
export function suiteByPackage(assets: Assets): Record<string, string> {
  const lists = [...assets].filter(([path]) => /^images\/\w+\/packages$/.test(path));
  return Object.fromEntries(
    lists
      .flatMap(([, list]) => listed(list))
      .flatMap(([name = "", from = ""]) => (from.startsWith("<") ? [[name, from.slice(1)]] : [])),
  );
}

/** The words of each line. */
function listed(list: Asset | undefined): string[][] {
  const lines = Buffer.from(list?.content ?? [])
    .toString()
    .split("\n");
  return lines.map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
}

/** The argument of images/apt/cross-packages.sh: GNU's and Debian's name of the target architecture. */
export function crossFor(arch: Architecture): string {
  const { triplet, debianArch } = ARCHITECTURES[arch];
  return `${triplet},${debianArch}`;
}

export function kernelImageName(compiler: string, arch: Architecture): string {
  return `kernel ${compiler}${suffixOf(arch)}`;
}

export function busyboxImageName(arch: Architecture): string {
  return `busybox${suffixOf(arch)}`;
}

export function vmImageName(arch: Architecture): string {
  return `vm${suffixOf(arch)}`;
}

/** The same for all architectures that need the same debugger. */
export function gdbImageName(arch: Architecture, engine: EngineArchitecture): string {
  return ["gdb", ...gdbExtra(arch, engine)].join(" ");
}

/** Debugger packages in addition to gdb. */
export function gdbExtra(arch: Architecture, engine: EngineArchitecture): string[] {
  const wanted = debuggerOn(ARCHITECTURES[engine].machine, arch);
  return wanted === "gdb" ? [] : [wanted];
}

/** The requests without a valid entry in the lock. Packages are valid only with their base: see `withoutParts`. */
export function missingRequests(
  lock: Lock,
  { bases, images, sources }: LockRequests,
  config: Config,
): LockRequests {
  return {
    bases: bases.filter((suite) => lock.bases[suite] === undefined),
    images: images.filter(({ name, suite, packages }) => {
      const [base, image] = [lock.bases[suite], lock.images[name]];
      if (base === undefined || image?.base !== suite) return true;
      // Locked by a version of kdock that needed fewer packages.
      return packages.some((each) => !(each in image.packages) && !(each in base.packages));
    }),
    sources: sources.filter(({ name, kind }) => {
      const locked = lock.sources[name];
      const wanted = kind === "busybox" ? config.busybox.sha256 : undefined;
      return locked === undefined || (wanted !== undefined && wanted !== locked.sha256);
    }),
  };
}

export function isNothing({ bases, images, sources }: LockRequests): boolean {
  return bases.length + images.length + sources.length === 0;
}

/** The lock without the entries of `parts`. Packages are resolved against their base, and removed with it. */
export function withoutParts(lock: Lock, parts: readonly UpdatePart[]): Lock {
  const has = (part: UpdatePart) => parts.includes(part);
  const isRemoved = (name: string) =>
    has("base") ||
    (has("toolchain") && /^(?:kernel|busybox)\b/.test(name)) ||
    (has("qemu") && /^vm\b/.test(name)) ||
    (has("gdb") && /^gdb\b/.test(name));
  return {
    ...lock,
    bases: has("base") ? {} : lock.bases,
    images: without(lock.images, isRemoved),
    sources: without(
      lock.sources,
      (name) =>
        (has("kernel") && name.startsWith("kernel ")) ||
        (has("busybox") && name.startsWith("busybox ")),
    ),
  };
}

/** The lock without entries that are not requested any more. */
export function prune(lock: Lock, requests: LockRequests): Lock {
  const images = new Set(requests.images.map(({ name }) => name));
  const sources = new Set(requests.sources.map(({ name }) => name));
  return {
    ...lock,
    bases: Object.fromEntries(
      Object.entries(lock.bases).filter(([suite]) => requests.bases.includes(suite as Suite)),
    ),
    images: without(lock.images, (name) => !images.has(name)),
    sources: without(lock.sources, (name) => !sources.has(name)),
  };
}

function without<T>(
  map: Readonly<Record<string, T>>,
  isRemoved: (name: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !isRemoved(name)));
}
