import type { Config } from "../../config/config.js";
import type { Lock } from "../lock/lock.js";
import { gdbExtra, gdbImageName } from "../lock/requests.js";
import type { EngineArchitecture } from "../../core/plan/architectures.js";
import type { Assets } from "../../core/plan/assets.js";
import type { BuildPlan } from "./build-plan.js";
import {
  type ContainerSpec,
  type HostPath,
  type Labels,
  type Mount,
  PLAIN,
} from "../../core/plan/container-spec.js";
import { basePlan, type ImagePlan, imagePlan } from "./image-plan.js";
import { INSIDE, labels, type ProjectNames, slug } from "../../core/plan/names.js";

export function gdbImagePlan(
  config: Config,
  engine: EngineArchitecture,
  assets: Assets,
  lock: Lock | undefined,
): ImagePlan {
  const { arch } = config.kernel;
  const extra = gdbExtra(arch, engine);
  return imagePlan(
    {
      ...{ name: "gdb", dockerfile: "images/gdb/Dockerfile" },
      args: extra.length === 0 ? {} : { GDB: extra.join(" ") },
    },
    basePlan("trixie", config.images, engine, lock),
    assets,
    lock?.images[gdbImageName(arch, engine)],
  );
}

/** The volume with one kernel's artifacts for the debugger, and gdb's index of the symbols. */
export interface SymbolsVolume {
  readonly name: string;
  readonly labels: Labels;
}

export function symbolsVolume(names: ProjectNames, kernelKey: string): SymbolsVolume {
  return {
    name: names.volume("symbols", kernelKey),
    labels: labels("symbols", names.id, kernelKey),
  };
}

/** Fills a volume with symbols; see images/gdb/start.sh. */
export function prepareContainer(
  names: ProjectNames,
  image: ImagePlan,
  symbols: SymbolsVolume,
): ContainerSpec {
  return {
    ...debuggerContainer(image, [mount(symbols.name, INSIDE.output, false)]),
    name: names.buildContainer("symbols"),
    command: ["prepare"],
    labels: labels("build", names.id),
    network: "none",
  };
}

/** Read by images/gdb/kdock/modules.py: more folders with .ko files, with colons between them. */
export const MODULES_VARIABLE = "KDOCK_MODULES";
const MODULES_INSIDE = { [MODULES_VARIABLE]: INSIDE.moduleFiles };

/** JSON for images/gdb/kdock/decode.py, with paths inside the container. */
const DECODE_VARIABLE = "KDOCK_DECODE";

/** Adds source lines to a kernel's log, which is copied in before the start. */
export function decodeContainer(
  names: ProjectNames,
  image: ImagePlan,
  symbols: SymbolsVolume,
): ContainerSpec {
  const request = {
    vmlinux: `${INSIDE.output}/vmlinux`,
    modules: `${INSIDE.output}/modules`,
    log: INSIDE.decodeLog,
    source: `${INSIDE.source}/`,
  };
  return {
    ...debuggerContainer(image, [mount(symbols.name, INSIDE.output, true)]),
    name: names.buildContainer("decode"),
    command: ["decode", "-nx", "-q", "-batch", "-x", INSIDE.gdbDecode],
    env: { ...MODULES_INSIDE, [DECODE_VARIABLE]: JSON.stringify(request) },
    labels: labels("build", names.id),
    network: "none",
  };
}

export interface SessionRequest {
  /** The VM's container, whose network the debugger shares. */
  readonly vm: { readonly id: string; readonly name: string };
  readonly symbols: SymbolsVolume;
  /** The existing volumes with the kernel's source and objects. */
  readonly volumes: readonly Mount[];
  readonly gdbArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: boolean;
}

export function sessionContainer(
  names: ProjectNames,
  image: ImagePlan,
  request: SessionRequest,
): ContainerSpec {
  const mounts = [
    mount(request.symbols.name, INSIDE.output, true),
    ...request.volumes.map((volume) => ({ ...volume, readOnly: true })),
  ];
  return {
    ...debuggerContainer(image, mounts),
    name: names.gdbContainer(request.vm.name),
    command: request.gdbArguments,
    env: { ...MODULES_INSIDE, ...request.env },
    labels: labels("gdb", names.id),
    network: `container:${request.vm.id}`,
    tty: request.terminal,
    openStdin: true,
  };
}

/** The user's gdb scripts, and their paths in the debugger's container. */
export function scriptsInside(
  paths: readonly string[],
): readonly { readonly path: string; readonly inside: string }[] {
  return paths.map((path, index) => {
    const name = `${index + 1}-${slug(path.split("/").at(-1) ?? "")}`;
    return { path, inside: `${INSIDE.input}/${name}` };
  });
}

/** gdb's arguments for a session at the VM's gdbstub: kdock's settings, then the user's scripts. */
export function sessionArguments(scripts: readonly string[]): readonly string[] {
  return ["-nx", "-q", "-x", INSIDE.gdbSession, ...scriptArguments(scripts)];
}

export function scriptArguments(scripts: readonly string[]): readonly string[] {
  return scriptsInside(scripts).flatMap(({ inside }) => ["-x", inside]);
}

/** The volumes of source and objects, without the compiler cache. */
export function sourceMounts({ container }: BuildPlan): readonly Mount[] {
  const wanted: readonly string[] = [INSIDE.source, INSIDE.objects];
  return container.mounts.filter(({ target }) => wanted.includes(target));
}

/** Host paths for the debugger of one kernel: the local tree, if the kernel is the plan's. */
export function treePaths(
  { key, tree, container }: BuildPlan,
  kernelKey: string,
): readonly HostPath[] {
  return tree === undefined || key !== kernelKey ? [] : (container.hostPaths ?? []);
}

export function debuggerContainer(
  image: ImagePlan,
  mounts: readonly Mount[],
): Omit<ContainerSpec, "name"> {
  return {
    image: image.tag,
    command: [],
    env: {},
    labels: {},
    mounts,
    ...PLAIN,
    network: undefined,
    hostname: undefined,
    capDrop: ["ALL"],
  };
}

export function mount(volume: string, target: string, readOnly: boolean): Mount {
  return { volume, target, readOnly };
}
