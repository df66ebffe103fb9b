import { Command } from "commander";
import type { FeatureTable } from "../../app/feature.js";

export const PARTS: FeatureTable = {
  check: () => import("./net/check.js"),
  shape: () => import("./net/shape.js"),
};

export function define(): Command {
  return new Command("net").description("check a VM's network, or degrade it on purpose");
}
