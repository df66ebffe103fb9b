import { createNodeHost } from "../../src/host/node-host.js";
import { readAssets } from "../../src/app/project.js";
import { loadConfig } from "../../src/config/layers.js";
import { parseLock } from "../../src/build/lock/lock-text.js";
import { busyboxBuildPlan, kernelBuildPlan } from "../../src/build/plan/build-plan.js";
import { projectNames } from "../../src/core/plan/names.js";
import { NO_FILES } from "../unit/fixtures.js";
import { LAB } from "./lab.js";
import { docker } from "./kdock.js";

/** The lab's kernel builder, as scripts/quickstart.sh made it. */
export function builderImage(): Promise<string> {
  return labImage(kernelBuildPlan);
}

/** The lab's busybox builder. */
export function busyboxImage(): Promise<string> {
  return labImage(busyboxBuildPlan);
}

async function labImage(plan: typeof kernelBuildPlan): Promise<string> {
  const { files } = createNodeHost({ env: process.env });
  const lock = parseLock((await files.readText(`${LAB}/kdock.lock`)) ?? "", "kdock.lock");
  const assets = await readAssets(files);
  const { image } = plan(loadConfig({}), projectNames(LAB), {
    engine: "x86_64",
    assets,
    user: NO_FILES,
    lock,
  });
  await docker("image", "inspect", image.tag);
  return image.tag;
}
