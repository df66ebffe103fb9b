import { Command } from "commander";
import type { FeatureTable } from "../../app/feature.js";

const MORE = `
Examples:
  kdock config menu                      menuconfig; saved changes become the fragment kernel.config
  kdock config show NET BLK_DEV_LOOP     values in the final .config; without names all of it
  kdock config show --requested          requests, their origins and results
  kdock config diff                      differences from the preset
  kdock config diff 6.1                  the same requests with another source
  kdock config why EXT4_FS               dependencies, who selects it, and what would switch it on
  kdock config set TCP_CONG_BBR=y        checked, then written to kernel.set of kdock.yaml

An option may be written with or without CONFIG_. The kernel need not be built; its source is fetched if necessary.`;

export const PARTS: FeatureTable = {
  menu: () => import("./config/menu.js"),
  show: () => import("./config/show.js"),
  diff: () => import("./config/diff.js"),
  why: () => import("./config/why.js"),
  set: () => import("./config/set.js"),
  unset: () => import("./config/unset.js"),
};

export function define(): Command {
  return new Command("config")
    .description("show and change the kernel's configuration")
    .addHelpText("after", MORE);
}
