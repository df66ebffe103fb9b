import { Command } from "commander";
import type { FeatureTable } from "../../app/feature.js";

export const PARTS: FeatureTable = {
  build: () => import("./module/build.js"),
  load: () => import("./module/load.js"),
};

export function define(): Command {
  return new Command("module").description("out-of-tree kernel modules");
}
