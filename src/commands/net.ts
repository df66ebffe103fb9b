import { Command } from "commander";
import type { Kdock } from "../app/kdock.js";
import { define as check } from "./net/check.js";
import { define as shape } from "./net/shape.js";

export function define(kdock: Kdock): Command {
  return new Command("net")
    .description("look at a VM's network, or make it worse on purpose")
    .addCommand(check(kdock))
    .addCommand(shape(kdock));
}
