import type { MemoryTool } from "../../core/plan/architectures.js";
import { type ContainerSpec, type Mount } from "../../core/plan/container-spec.js";
import { debuggerContainer, mount, type SymbolsVolume } from "../../build/plan/debugger-plan.js";
import type { ImagePlan } from "../../build/plan/image-plan.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

/** Fills the volume of the dump; see images/gdb/kdock/core.py. `vm`: whose network the dump comes through. */
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
  /** Those of the kernel's volumes that are there: where sources and objects are. */
  readonly volumes: readonly Mount[];
  /** Of the tool. */
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
