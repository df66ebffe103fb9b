import type { Config } from "./config.js";
import { configKeys } from "./keys.js";
import { valueAt } from "./layer.js";

const SECTIONS = ["kernel", "busybox", "rootfs"];

/** The part of a configuration that decides what the artifacts are, as opposed to how fast they are made and from where. */
export function artifactSettings(config: Config): unknown {
  return configKeys()
    .filter(({ path: [section = ""], inArtifact }) => inArtifact && SECTIONS.includes(section))
    .map(({ path }) => valueAt(config, path));
}
