import type { MemoryTool } from "../../core/plan/architectures.js";
import { type ContainerSpec, type Mount } from "../../core/plan/container-spec.js";
import { debuggerContainer, mount, type SymbolsVolume } from "../../build/plan/debugger-plan.js";
import type { ImagePlan } from "../../build/plan/image-plan.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

/** Receives a dump into its volume (images/gdb/kdock/core.py). `vm`: the container that sends it, whose network is shared. */
export function takeContainer(
  names: ProjectNames,
  image: ImagePlan,
  { vm }: { readonly vm: string | undefined },
): ContainerSpec {
  return {
    ...debuggerContainer(image, [mount(names.dumpVolume, INSIDE.dump, false)]),
    name: names.buildContainer("dump"),
    command: ["take", ...(vm === undefined ? [] : [INSIDE.dumpSocket])],
    labels: labels("build", names.id),
    network: vm === undefined ? "none" : `container:${vm}`,
  };
}

export interface MemoryRequest {
  readonly tool: MemoryTool;
  readonly symbols: SymbolsVolume;
  /** The kernel's existing volumes with sources and objects. */
  readonly volumes: readonly Mount[];
  /** For the tool. */
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: boolean;
}

export function memoryContainer(
  names: ProjectNames,
  image: ImagePlan,
  request: MemoryRequest,
): ContainerSpec {
  const mounts = [
    mount(request.symbols.name, INSIDE.output, true),
    mount(names.dumpVolume, INSIDE.dump, false),
    ...request.volumes.map((volume) => ({ ...volume, readOnly: true })),
  ];
  return {
    ...debuggerContainer(image, mounts),
    name: names.memoryContainer,
    command: [request.tool, ...request.arguments],
    env: request.env,
    labels: labels("memory", names.id),
    network: "none",
    tty: request.terminal,
    openStdin: true,
  };
}
