import type { Architecture, Config } from "../../config/config.js";
import type { Lock } from "../lock/lock.js";
import type { EngineArchitecture } from "../../core/plan/architectures.js";
import type { Assets } from "../../core/plan/assets.js";
import { gdbImagePlan } from "./debugger-plan.js";
import { type BuildPlan, busyboxBuildPlan, kernelBuildPlan } from "./build-plan.js";
import type { ImagePlan } from "./image-plan.js";
import { type GdbPlan, gdbPlan } from "./gdb-plan.js";
import { stageKey } from "../../core/plan/keys.js";
import { projectNames, type ProjectNames } from "../../core/plan/names.js";
import { givenFiles, rootfsPlan, type RootfsPlan } from "./rootfs-plan.js";
import { vmImagePlan } from "./vm-image.js";
import type { UserFiles } from "./user-files.js";

/** All stages and images, computed from kdock.yaml, the files it names, and kdock's assets. */
export interface Plan {
  /** Absolute path of the project. */
  readonly folder: string;
  readonly names: ProjectNames;
  readonly arch: Architecture;
  /** The architecture of the engine. */
  readonly engine: EngineArchitecture;
  readonly kernel: BuildPlan;
  readonly busybox: BuildPlan;
  readonly rootfs: RootfsPlan;
  readonly vmImage: ImagePlan;
  readonly gdbImage: ImagePlan;
  readonly gdb: GdbPlan;
  /** The key of the set: kernel and rootfs. */
  readonly setKey: string;
}

export interface PlanInputs {
  /** Absolute path of the folder that holds kdock.yaml. */
  readonly folder: string;
  readonly config: Config;
  readonly engine: EngineArchitecture;
  readonly assets: Assets;
  readonly user: UserFiles;
  /** Undefined before the first lock: the plan then has the requested versions instead of the resolved ones. */
  readonly lock?: Lock | undefined;
}

export function makePlan({ folder, config, engine, assets, user, lock }: PlanInputs): Plan {
  const names = projectNames(folder);
  const kernel = kernelBuildPlan(config, names, { engine, assets, user, lock });
  const busybox = busyboxBuildPlan(config, names, { engine, assets, user, lock });
  const rootfs = rootfsPlan(busybox.key, assets, givenFiles(config, user));
  return {
    folder,
    names,
    arch: config.kernel.arch,
    engine,
    kernel,
    busybox,
    rootfs,
    vmImage: vmImagePlan(config, engine, assets, lock),
    gdbImage: gdbImagePlan(config, engine, assets, lock),
    gdb: gdbPlan(config.gdb, folder),
    setKey: stageKey({ kernel: kernel.key, rootfs: rootfs.key }),
  };
}
