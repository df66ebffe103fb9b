import { Command } from "commander";
import type { Kdock } from "../app/kdock.js";
import { define as diff } from "./config/diff.js";
import { define as menu } from "./config/menu.js";
import { define as set } from "./config/set.js";
import { define as show } from "./config/show.js";
import { define as unset } from "./config/unset.js";
import { define as why } from "./config/why.js";

const MORE = `
Examples:
  kdock config menu                      menuconfig; what you save becomes the fragment kernel.config
  kdock config show NET BLK_DEV_LOOP     values in the final .config; without names all of it
  kdock config show --requested          who asks for what, and what came of it
  kdock config diff                      what your requests make of the preset
  kdock config diff 6.1                  the same requests with another source
  kdock config why EXT4_FS               dependencies, who selects it, and what would switch it on
  kdock config set TCP_CONG_BBR=y        checked, then written to kernel.set of kdock.yaml

An option may be written with or without CONFIG_. The kernel need not be built; its source is fetched where it is not there.`;

export function define(kdock: Kdock): Command {
  const command = new Command("config")
    .description("look at the kernel's configuration, and change it")
    .addHelpText("after", MORE);
  for (const part of [menu, show, diff, why, set, unset]) command.addCommand(part(kdock));
  return command;
}
