import { Command } from "commander";
import type { Kdock } from "../app/kdock.js";
import { define as build } from "./module/build.js";
import { define as load } from "./module/load.js";

export function define(kdock: Kdock): Command {
  return new Command("module")
    .description("modules that are not in the kernel's tree")
    .addCommand(build(kdock))
    .addCommand(load(kdock));
}
