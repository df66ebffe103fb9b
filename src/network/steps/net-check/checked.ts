import type { Container, ContainerInfo } from "../../../engine/engine.js";
import {
  CONTAINER_SCRIPT,
  type ContainerFacts,
  parseContainerFacts,
} from "../../plan/net-check/facts.js";
import type { Names } from "../../plan/net-check/scene.js";
import { vmWords } from "../../../core/vm-words.js";
import type { Project } from "../../../build/project.js";
import { factsOf } from "../../../vm/steps/choose-vm.js";
import { runInside } from "../../../core/steps/run-inside.js";

/** A VM under check. */
export interface Checked extends Project {
  readonly info: ContainerInfo;
  readonly container: Container;
  readonly facts: ContainerFacts;
  readonly names: Names;
  /** The project's running VMs, this one included. */
  readonly vms: readonly ContainerInfo[];
}

export function namesOf({ name, labels }: ContainerInfo, isOneOfSeveral: boolean): Names {
  const vm = factsOf({ labels }).slot.name;
  const suffix = vmWords(isOneOfSeveral ? vm : undefined);
  return { container: name, vm, suffix, exec: `kdock exec${suffix} --` };
}

export async function readContainerFacts(
  container: Container,
  signal: AbortSignal,
): Promise<ContainerFacts> {
  const { stdout } = await runInside(container, ["sh", "-c", CONTAINER_SCRIPT], { signal });
  return parseContainerFacts(stdout);
}
