import type { Config } from "../config/config.js";
import type { BuiltKernel } from "./plan/built-kernels.js";
import type { Context } from "../core/steps/context.js";
import type { OtherEngines } from "./lock/engine-view.js";
import type { Lock } from "./lock/lock.js";
import { makePlan, type Plan } from "./plan/plan.js";
import type { UserFiles } from "./plan/user-files.js";

/** An open project: its configuration, files and lock, and the plan made from these. */
export interface Project {
  readonly ctx: Context;
  readonly config: Config;
  /** The configuration without flags and variables. */
  readonly written: Config;
  readonly user: UserFiles;
  readonly plan: Plan;
  /** Undefined before the first lock, and for commands that need no lock. */
  readonly lock: Lock | undefined;
  /** Entries of kdock.lock for engines of other architectures. */
  readonly others: OtherEngines;
  /** The architecture is that of the last build: neither flags, variables, kdock.yaml nor kdock.lock set it. */
  readonly followsBuild: boolean;
  /** Flags or variables request other artifacts than kdock.yaml. */
  readonly overridden: boolean;
  /** The built kernel to boot instead of kdock.yaml's; see `withBuiltKernel`. */
  readonly built?: BuiltKernel;
}

/** The project with another configuration, files or lock, and the plan made from these. */
export function replanned(
  project: Project,
  changes: Partial<Pick<Project, "config" | "user" | "lock">>,
): Project {
  const changed = { ...project, ...changes };
  const { ctx, config, user, lock } = changed;
  const { folder, assets } = ctx;
  const { engine } = project.plan;
  return { ...changed, plan: makePlan({ folder, config, engine, assets, user, lock }) };
}

/** The project with another lock. */
export function relocked(project: Project, lock: Lock): Project {
  return replanned(project, { lock });
}
