import type { Config } from "../../config/config.js";
import { architectureOf, type EngineArchitecture, isUsual } from "../../core/plan/architectures.js";
import type { Assets } from "../../core/plan/assets.js";
import type { Lock } from "../lock/lock.js";
import { vmImageName } from "../lock/requests.js";
import { basePlan, imagePlan, type ImagePlan } from "./image-plan.js";

/** The image of the VM's container: QEMU for one architecture. */
export function vmImagePlan(
  config: Config,
  engine: EngineArchitecture,
  assets: Assets,
  lock: Lock | undefined,
): ImagePlan {
  return imagePlan(
    {
      ...{ name: "vm", dockerfile: "images/vm/Dockerfile" },
      args: isUsual(config.kernel.arch)
        ? {}
        : { QEMU: architectureOf(config).qemu.packages.join(" ") },
    },
    basePlan("trixie", config.images, engine, lock),
    assets,
    lock?.images[vmImageName(config.kernel.arch)],
  );
}
