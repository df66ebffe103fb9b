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

/** All that follows from kdock.yaml, the files it names, and kdock itself; computed without touching anything. */
export interface Plan {
  /** Absolute path of the project. */
  readonly folder: string;
  readonly names: ProjectNames;
  readonly arch: Architecture;
  /** Of the machine that the containers run on. */
  readonly engine: EngineArchitecture;
  readonly kernel: BuildPlan;
  readonly busybox: BuildPlan;
  readonly rootfs: RootfsPlan;
  readonly vmImage: ImagePlan;
  readonly gdbImage: ImagePlan;
  readonly gdb: GdbPlan;
  /** Names the whole artifact set: one key for kernel and rootfs together. */
  readonly setKey: string;
}

export interface PlanInputs {
  /** Absolute path of the folder that holds kdock.yaml. */
  readonly folder: string;
  readonly config: Config;
  readonly engine: EngineArchitecture;
  readonly assets: Assets;
  readonly user: UserFiles;
  /** undefined before anything is locked: the plan then names what it asks for instead of what it gets. */
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
