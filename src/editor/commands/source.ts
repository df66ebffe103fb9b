import { Command } from "commander";
import type { FeatureTable } from "../../app/feature.js";

export const PARTS: FeatureTable = { export: () => import("./source/export.js") };

export function define(): Command {
  return new Command("source").description("the kernel's source tree");
}
