import type { BuildPlan } from "./build-plan.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { INSIDE, type ProjectNames } from "../../core/plan/names.js";

/** A .ko file of an out-of-tree module. */
export interface ModuleFile {
  /** "hello.ko" */
  readonly file: string;
  /** The name in lsmod: snd-hda-intel.ko is snd_hda_intel. */
  readonly module: string;
  /** Modules that must be loaded before. */
  readonly depends: readonly string[];
  readonly vermagic: string;
}

/** Builds a module against the kernel with a key; see images/kernel/module.sh. */
export function moduleContainer(
  { container }: BuildPlan,
  names: ProjectNames,
  name: string,
  kernelKey: string,
): ContainerSpec {
  return {
    ...container,
    name: names.buildContainer("module"),
    command: ["module"],
    env: {
      ...container.env,
      // The module's Makefile could write objects to the cache that are linked into other kernels.
      KDOCK_CCACHE: "0",
      ...{ KDOCK_MODULE: name, KDOCK_MODULE_KERNEL: kernelKey },
    },
    mounts: [
      ...container.mounts
        .filter(({ target }) => target !== INSIDE.objects && target !== INSIDE.ccache)
        .map((mount) => (mount.target === INSIDE.source ? { ...mount, readOnly: true } : mount)),
      { volume: names.moduleVolume, target: INSIDE.modules, readOnly: false },
    ],
    network: "none",
  };
}

/** Parses modules.txt of images/kernel/module.sh; dependencies first, which is the order of loading. */
export function readModuleList(text: string): readonly ModuleFile[] {
  const listed = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): ModuleFile => {
      const [file = "", depends = "", vermagic = ""] = line.split("\t");
      return {
        file,
        module: moduleOf(file),
        depends: depends.split(",").filter(Boolean),
        vermagic,
      };
    });
  const ordered: ModuleFile[] = [];
  const take = (each: ModuleFile, above: readonly string[]) => {
    if (ordered.includes(each) || above.includes(each.module)) return;
    for (const other of listed) {
      if (each.depends.map(moduleOf).includes(other.module)) take(other, [...above, each.module]);
    }
    ordered.push(each);
  };
  for (const each of listed) take(each, []);
  return ordered;
}

export function moduleOf(file: string): string {
  return file.replace(/\.ko$/, "").replaceAll("-", "_");
}
