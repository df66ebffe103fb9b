import type { Config } from "../config/config.js";
import type { ContainerSpec } from "./container-spec.js";
import type { Assets } from "./assets.js";
import { basePlan, type ImagePlan, imagePlan } from "./image-plan.js";
import { requestedConfig } from "./kconfig.js";
import { type KeyInputs, sha256, stageKey } from "./keys.js";
import { CCACHE_VOLUME, INSIDE, labels, type ProjectNames, type Role } from "./names.js";
import { toolchainFor } from "./toolchain.js";
import type { UserFiles } from "./user-files.js";

/** A build is a container run from a builder image: what goes in, what it is told, where its volumes are. */
export interface BuildPlan {
  readonly stage: "kernel" | "busybox";
  readonly title: string;
  readonly image: ImagePlan;
  readonly key: string;
  readonly inputs: KeyInputs;
  /** Everything but the image's tag is fixed here; see `buildContainer`. */
  readonly container: ContainerSpec;
  /** The labels each volume is made with, by volume name. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Put into /in before the build starts, by file name. */
  readonly files: Readonly<Record<string, string>>;
}

export function kernelBuildPlan(
  config: Config,
  names: ProjectNames,
  assets: Assets,
  user: UserFiles,
): BuildPlan {
  const { kernel } = config;
  const version = kernel.source.slice(kernel.source.indexOf(":") + 1);
  const toolchain = toolchainFor(version, kernel.toolchain);
  const image = imagePlan(
    { name: "kernel", dockerfile: "Dockerfile.kernel", args: { TOOLCHAIN: toolchain.compiler } },
    basePlan(toolchain.suite, config.images),
    assets,
  );
  const files = withoutEmpty({
    "fragments.config": requestedConfig(user.kernelFragments, kernel.set),
    "base.config": user.kernelPreset ?? "",
  });
  const inputs: KeyInputs = {
    image: image.key,
    toolchain: toolchain.compiler,
    source: kernel.source,
    preset: kernel.preset,
    ...digests(files),
  };
  return {
    stage: "kernel",
    title: `Linux ${kernel.source}, preset ${kernel.preset}, ${toolchain.compiler}`,
    image,
    key: stageKey(inputs),
    inputs,
    ...container(names, "kernel", image, kernelEnvironment(config), [
      [names.volume("src", kernel.source), INSIDE.source, "source"],
      // Objects are kept by source and compiler, not by configuration: changing an option rebuilds what it touches.
      [names.volume("build", `${kernel.source}-${toolchain.compiler}`), INSIDE.objects, "objects"],
      [CCACHE_VOLUME, INSIDE.ccache, "ccache"],
    ]),
    files,
  };
}

export function busyboxBuildPlan(
  config: Config,
  names: ProjectNames,
  assets: Assets,
  user: UserFiles,
): BuildPlan {
  const { busybox } = config;
  const image = imagePlan(
    { name: "busybox", dockerfile: "Dockerfile.busybox", args: {} },
    basePlan("trixie", config.images),
    assets,
  );
  const files = withoutEmpty({
    "fragments.config": requestedConfig(user.busyboxFragments, busybox.set),
  });
  const inputs: KeyInputs = {
    image: image.key,
    source: busybox.source,
    sha256: busybox.sha256 ?? "",
    ...digests(files),
  };
  return {
    stage: "busybox",
    title: `busybox ${busybox.source}, static`,
    image,
    key: stageKey(inputs),
    inputs,
    ...container(names, "busybox", image, busyboxEnvironment(config), [
      [names.volume("src", `busybox-${busybox.source}`), INSIDE.source, "source"],
      [names.volume("build", `busybox-${busybox.source}`), INSIDE.objects, "objects"],
    ]),
    files,
  };
}

/** What images/kernel/build.sh reads. */
export function kernelEnvironment({ kernel }: Config): Readonly<Record<string, string>> {
  return {
    KDOCK_SOURCE: kernel.source,
    KDOCK_PRESET: kernel.preset.startsWith("file:") ? "file" : kernel.preset,
    KDOCK_CCACHE: kernel.ccache ? "1" : "0",
    ...(kernel.jobs === "auto" ? {} : { KDOCK_JOBS: String(kernel.jobs) }),
  };
}

/** What images/busybox/build.sh reads. */
export function busyboxEnvironment({ busybox }: Config): Readonly<Record<string, string>> {
  return {
    KDOCK_SOURCE: busybox.source,
    ...(busybox.sha256 === undefined ? {} : { KDOCK_SHA256: busybox.sha256 }),
    ...(busybox.mirrors.length === 0 ? {} : { KDOCK_MIRRORS: busybox.mirrors.join(" ") }),
  };
}

function container(
  names: ProjectNames,
  stage: string,
  image: ImagePlan,
  env: Readonly<Record<string, string>>,
  volumes: readonly (readonly [name: string, target: string, role: Role])[],
): Pick<BuildPlan, "container" | "volumes"> {
  return {
    container: {
      name: names.buildContainer(stage),
      image: image.tag,
      command: ["all"],
      env,
      labels: labels("build", names.id),
      mounts: volumes.map(([volume, target]) => ({ volume, target, readOnly: false })),
      ports: [],
      network: undefined,
      hostname: "kdock",
      privileged: false,
      // A compiler needs no privileges, and the image's user has none.
      capDrop: ["ALL"],
      capAdd: [],
      devices: [],
      sysctls: {},
      securityOpt: ["no-new-privileges"],
      tty: false,
      openStdin: false,
      stopSignal: undefined,
    },
    volumes: Object.fromEntries(
      volumes.map(([name, , role]) => [
        name,
        labels(role, role === "ccache" ? undefined : names.id),
      ]),
    ),
  };
}

function withoutEmpty(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== ""));
}

function digests(files: Readonly<Record<string, string>>): KeyInputs {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]));
}
