import type { Architecture, Config } from "../../config/config.js";
import { sourceSpec } from "../../config/source-spec.js";
import { type Lock, type LockedSource, sourceDigest, sourceName } from "../lock/lock.js";
import { busyboxImageName, crossFor, kernelImageName } from "../lock/requests.js";
import { type ContainerSpec, type Labels, PLAIN } from "../../core/plan/container-spec.js";
import type { Assets } from "../../core/plan/assets.js";
import {
  architectureOf,
  type EngineArchitecture,
  isUsual,
  suffixOf,
} from "../../core/plan/architectures.js";
import { basePlan, type ImagePlan, imagePlan } from "./image-plan.js";
import { type Fragment, requestedConfig, REQUESTS } from "../../core/plan/kconfig.js";
import { type KeyInputs, sha256, stageKey } from "../../core/plan/keys.js";
import { cacheVolume, codeOf, type KernelCode, VERIFIED_LABELS } from "./compiler-cache.js";
import {
  BUILDER_UID,
  INSIDE,
  MODULE_KEY_FILE,
  labels,
  type ProjectNames,
  type Role,
  slug,
} from "../../core/plan/names.js";
import type { Secret } from "../../core/secret.js";
import { kernelVersion } from "./kernel-version.js";
import { sourceHostPaths, treeEnvironment, treeFiles, treeInputs, treeName } from "./tree-plan.js";
import { kernelToolchain } from "./toolchain.js";
import { inputDigests, type InputTree, type SourceTree, type UserFiles } from "./user-files.js";

/** A build is a container run from a builder image: its input files, environment and volumes. */
export interface BuildPlan {
  readonly stage: "kernel" | "busybox";
  readonly title: string;
  readonly image: ImagePlan;
  /** The kernel's version; undefined if it is not known before the build. */
  readonly version?: string | undefined;
  /** The local tree that it is built from, if any. */
  readonly tree?: SourceTree | undefined;
  readonly key: string;
  readonly inputs: KeyInputs;
  /** The part of the inputs that comes from kdock.yaml and the files it names. */
  readonly asked: Readonly<Record<string, string>>;
  /** Complete except for the image's tag; see `buildContainer`. */
  readonly container: ContainerSpec;
  /** Of a kernel: whether the build runs verified code only. */
  readonly code?: KernelCode | undefined;
  /** The labels of new volumes, by volume name. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Files in /in, by path there. */
  readonly files: Readonly<Record<string, string>>;
  /** Files in /in that only the builder's user may read. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** The builder's user. */
  readonly uid: number;
  /** Files in /in/initramfs, each with its path in the project. */
  readonly trees: readonly InputTree[];
}

/** Inputs of plans in addition to the configuration. */
export interface PlanSources {
  readonly engine: EngineArchitecture;
  readonly assets: Assets;
  readonly user: UserFiles;
  readonly lock: Lock | undefined;
}

export function kernelBuildPlan(
  config: Config,
  names: ProjectNames,
  { engine, assets, user, lock }: PlanSources,
): BuildPlan {
  const { kernel } = config;
  const { suite, compiler } = kernelToolchain(config, { lock, user });
  const image = imagePlan(
    {
      ...{ name: "kernel", dockerfile: "Dockerfile.kernel" },
      args: { TOOLCHAIN: compiler, ...crossArgument(kernel.arch) },
    },
    basePlan(suite, config.images, engine, lock),
    assets,
    lock?.images[kernelImageName(compiler, kernel.arch)],
  );
  const source = lock?.sources[sourceName("kernel", kernel.source)];
  const asked = {
    source: kernel.source,
    ...archInput(kernel.arch),
    preset: kernel.preset,
    toolchain: compiler,
    ...(user.kernelPreset === undefined ? {} : { "preset file": sha256(user.kernelPreset) }),
    ...fragmentInputs("fragment", user.kernelFragments),
    ...fragmentInputs("patch", user.kernelPatches),
    ...settingInputs(kernel.set),
    ...deoptimizeInput(config),
    ...(user.moduleKey === undefined ? {} : { "module key": user.moduleKey.digest }),
    ...initramfsInputs(user.initramfs),
  };
  const { tree } = user;
  const files = withoutEmpty({
    [REQUESTS]: requestedConfig(user.kernelFragments, kernel.set),
    "base.config": user.kernelPreset ?? "",
    ...treeFiles(tree),
    ...patchFiles(user.kernelPatches),
    ...keyFiles(user.kernelKeys),
  });
  const secrets = moduleKeyFile(user);
  const code = codeOf({ source: kernel.source, base: image.base, files, trees: user.initramfs });
  const inputs: KeyInputs = {
    image: image.key,
    ...asked,
    ...sourceInputs(source),
    ...treeInputs(tree),
  };
  return {
    stage: "kernel",
    title: `Linux ${kernel.source}${suffixOf(kernel.arch, ", ")}, preset ${kernel.preset}, ${compiler}`,
    image,
    version: kernelVersion(config, { lock, user }),
    tree,
    key: stageKey(inputs),
    inputs,
    asked,
    code,
    ...container(
      names,
      "kernel",
      image,
      {
        ...kernelEnvironment(config),
        ...sourceEnvironment(config, source),
        ...treeEnvironment(user),
      },
      [
        ...kernelVolumes(names, { source: kernel.source, compiler, arch: kernel.arch }, user),
        [cacheVolume(code, names), INSIDE.ccache, "ccache"],
      ],
      { user, code },
    ),
    files,
    secrets,
    uid: BUILDER_UID,
    trees: user.initramfs,
  };
}

export function busyboxBuildPlan(
  config: Config,
  names: ProjectNames,
  { engine, assets, user, lock }: PlanSources,
): BuildPlan {
  const { busybox } = config;
  const { arch } = config.kernel;
  const image = imagePlan(
    { name: "busybox", dockerfile: "Dockerfile.busybox", args: crossArgument(arch) },
    basePlan("trixie", config.images, engine, lock),
    assets,
    lock?.images[busyboxImageName(arch)],
  );
  const source = lock?.sources[sourceName("busybox", busybox.source)];
  const asked = {
    source: busybox.source,
    ...archInput(arch),
    ...(busybox.sha256 === undefined ? {} : { sha256: busybox.sha256 }),
    ...fragmentInputs("fragment", user.busyboxFragments),
    ...settingInputs(busybox.set),
  };
  const inputs: KeyInputs = { image: image.key, ...asked, ...sourceInputs(source) };
  return {
    stage: "busybox",
    title: `busybox ${busybox.source}${suffixOf(arch, ", ")}, static`,
    image,
    key: stageKey(inputs),
    inputs,
    asked,
    ...container(
      names,
      "busybox",
      image,
      { ...busyboxEnvironment(config, source), ...mirrorEnvironment(config) },
      [
        [names.volume("src", `busybox-${busybox.source}`), INSIDE.source, "source"],
        [
          names.volume("build", `busybox-${busybox.source}${suffixOf(arch, "-")}`),
          INSIDE.objects,
          "objects",
        ],
      ],
    ),
    files: withoutEmpty({
      [REQUESTS]: requestedConfig(user.busyboxFragments, busybox.set),
      ...keyFiles(user.busyboxKeys),
    }),
    secrets: {},
    uid: BUILDER_UID,
    trees: [],
  };
}

/** The volumes of a kernel's source and objects. */
export function kernelVolumes(
  names: ProjectNames,
  { source, compiler, arch }: { source: string; compiler: string; arch: Architecture },
  user: Partial<UserFiles> = {},
): readonly (readonly [name: string, target: string, role: Role])[] {
  const volume = sourceVolume(source, user);
  return [
    ...sourceVolumes(names.volume("src", volume), user.tree),
    // One volume per source, compiler and architecture, not per configuration: a changed option rebuilds only affected objects.
    [
      names.volume("build", `${volume}-${compiler}${suffixOf(arch, "-")}`),
      INSIDE.objects,
      "objects",
    ],
  ];
}

/** The name of a source's volumes, with a digest where the name alone would be ambiguous. */
export function sourceVolume(source: string, user: Partial<UserFiles> = {}): string {
  const spec = sourceSpec(source);
  switch (spec.kind) {
    case "debian":
    case "release":
      return source;
    case "git":
      // One for all commits, which are fetched incrementally.
      return `git-${slug(spec.url.split("/").at(-1) ?? "")}-${sha256(user.repository?.folder ?? spec.url).slice(0, 8)}`;
    case "path":
      return treeName(user.tree?.folder ?? spec.folder);
  }
}

/** Build arguments of builder images; none for the default architecture. */
function crossArgument(arch: Architecture): Readonly<Record<string, string>> {
  return isUsual(arch) ? {} : { CROSS: crossFor(arch).replace(",", " ") };
}

/** The default architecture is not an input, so that keys from before kernel.arch existed stay valid. */
function archInput(arch: Architecture): Readonly<Record<string, string>> {
  return isUsual(arch) ? {} : { arch };
}

/** Environment of both builders for an architecture; empty for the default one. */
function crossEnvironment(config: Config): Readonly<Record<string, string>> {
  if (isUsual(config.kernel.arch)) return {};
  const { makeArch, triplet } = architectureOf(config);
  return { KDOCK_MAKE_ARCH: makeArch, KDOCK_TRIPLET: triplet };
}

function kernelArchEnvironment(config: Config): Readonly<Record<string, string>> {
  const { arch } = config.kernel;
  if (isUsual(arch)) return {};
  const { sourceArch, image } = architectureOf(config);
  return {
    ...{ KDOCK_ARCH: arch, KDOCK_SOURCE_ARCH: sourceArch },
    ...{ KDOCK_IMAGE: image.target, KDOCK_IMAGE_PATH: image.path, ...crossEnvironment(config) },
  };
}

/** The environment of images/kernel/build.sh. */
export function kernelEnvironment(config: Config): Readonly<Record<string, string>> {
  const { kernel } = config;
  return {
    KDOCK_SOURCE: kernel.source,
    ...kernelArchEnvironment(config),
    KDOCK_PRESET: kernel.preset.startsWith("file:") ? "file" : kernel.preset,
    KDOCK_CCACHE: kernel.ccache ? "1" : "0",
    ...(kernel.deoptimize.length === 0
      ? {}
      : { KDOCK_DEOPTIMIZE: deoptimized({ kernel }).join(" ") }),
    ...(kernel.jobs === "auto" ? {} : { KDOCK_JOBS: String(kernel.jobs) }),
  };
}

/** Sorted, without duplicates. */
function deoptimized({ kernel }: Pick<Config, "kernel">): readonly string[] {
  return [...new Set(kernel.deoptimize)].sort();
}

function deoptimizeInput(config: Config): KeyInputs {
  const files = deoptimized(config);
  return files.length === 0 ? {} : { deoptimize: files.join(" ") };
}

/** The environment of images/busybox/build.sh. */
export function busyboxEnvironment(
  config: Config,
  source: LockedSource | undefined,
): Readonly<Record<string, string>> {
  const { busybox } = config;
  const sha256 = source?.sha256 ?? busybox.sha256;
  return {
    KDOCK_SOURCE: busybox.source,
    ...crossEnvironment(config),
    ...(sha256 === undefined ? {} : { KDOCK_SHA256: sha256 }),
    ...(busybox.mirrors.length === 0 ? {} : { KDOCK_MIRRORS: busybox.mirrors.join(" ") }),
  };
}

/** The Debian mirror for sources; empty to use the image's configuration. */
export function mirrorEnvironment({ images }: Config): Readonly<Record<string, string>> {
  return images.mirror === undefined ? {} : { KDOCK_MIRROR: images.mirror };
}

/** The environment of images/kernel/source.sh, to fetch the locked source. */
function sourceEnvironment(
  config: Config,
  source: LockedSource | undefined,
): Readonly<Record<string, string>> {
  const { kernel, images } = config;
  const { snapshot } = images;
  return {
    ...mirrorEnvironment(config),
    ...(kernel.mirrors.length === 0 ? {} : { KDOCK_MIRRORS: kernel.mirrors.join(" ") }),
    ...(snapshot === undefined ? {} : { KDOCK_SNAPSHOT_URL: snapshot }),
    ...(source === undefined
      ? {}
      : {
          KDOCK_SNAPSHOT: source.time,
          KDOCK_SOURCE_VERSION: source.version,
          ...(source.sha256 === undefined ? {} : { KDOCK_SOURCE_SHA256: source.sha256 }),
          ...(source.commit === undefined ? {} : { KDOCK_SOURCE_COMMIT: source.commit }),
        }),
  };
}

/** Empty for a mounted tree. */
function sourceVolumes(
  name: string,
  tree: SourceTree | undefined,
): [name: string, target: string, role: Role][] {
  return tree?.transport === "mount" ? [] : [[name, INSIDE.source, "source"]];
}

function container(
  names: ProjectNames,
  stage: string,
  image: ImagePlan,
  env: Readonly<Record<string, string>>,
  volumes: readonly (readonly [name: string, target: string, role: Role])[],
  { user = {}, code }: { user?: Partial<UserFiles>; code?: KernelCode } = {},
): Pick<BuildPlan, "container" | "volumes"> {
  return {
    container: {
      name: names.buildContainer(stage),
      image: image.tag,
      command: ["all"],
      env,
      labels: labels("build", names.id),
      mounts: volumes.map(([volume, target]) => ({ volume, target, readOnly: false })),
      ...sourceHostPaths(user),
      ...PLAIN,
      // A local tree is complete: nothing is fetched.
      network: user.tree === undefined ? undefined : "none",
      hostname: "kdock",
      // The builder runs as an unprivileged user.
      capDrop: ["ALL"],
    },
    volumes: Object.fromEntries(
      volumes.map(([name, , role]) => [name, volumeLabels(name, role, { names, code })]),
    ),
  };
}

function volumeLabels(
  name: string,
  role: Role,
  { names, code }: { names: ProjectNames; code: KernelCode | undefined },
): Labels {
  const isShared = role === "ccache" && name !== names.ccacheVolume;
  return {
    ...labels(role, isShared ? undefined : names.id),
    ...(code === "verified" && role !== "ccache" ? VERIFIED_LABELS : {}),
  };
}

export function moduleKeyFile({
  moduleKey,
}: Pick<UserFiles, "moduleKey">): Readonly<Record<string, Secret>> {
  return moduleKey === undefined ? {} : { [MODULE_KEY_FILE]: moduleKey.pem };
}

function withoutEmpty(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== ""));
}

function sourceInputs(source: LockedSource | undefined): KeyInputs {
  return source === undefined
    ? {}
    : { version: source.version, "source digest": sourceDigest(source) };
}

/** The list, because the order matters, and one input for each, so that a change is reported by name. */
function fragmentInputs(
  what: "fragment" | "patch",
  fragments: readonly Fragment[],
): Readonly<Record<string, string>> {
  if (fragments.length === 0) return {};
  return {
    [what === "patch" ? "patches" : "fragments"]: fragments.map(({ name }) => name).join(" "),
    ...Object.fromEntries(fragments.map(({ name, text }) => [`${what} ${name}`, sha256(text)])),
  };
}

function settingInputs(set: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(set).map(([name, value]) => [`set ${name}`, value]));
}

function initramfsInputs(trees: readonly InputTree[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    trees.flatMap(({ path, entries }) =>
      Object.entries(inputDigests(`initramfs ${path}`, entries)),
    ),
  );
}

/** Keys that a tarball may be signed with, in addition to the builder's. */
function keyFiles(keys: readonly Fragment[]): Readonly<Record<string, string>> {
  return Object.fromEntries(keys.map(({ text }, index) => [`keys/${String(index + 1)}.asc`, text]));
}

/** Numbered: the builder applies them in the order of their names. */
function patchFiles(patches: readonly Fragment[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    patches.map(({ name, text }, index) => {
      const number = String(index + 1).padStart(4, "0");
      const base = slug((name.split("/").at(-1) ?? name).replace(/\.patch$/, ""));
      return [`patches/${number}-${base}.patch`, text];
    }),
  );
}
