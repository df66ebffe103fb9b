import type { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { defineMemoryTool } from "./memory-tool.js";

export function define(kdock: Kdock): Command {
  return defineMemoryTool(kdock, "crash", {
    description: "crash on the running guest's memory, or on a dump: ps, bt, log, struct ...",
    args: "arguments for crash, such as -i FILE; it reads commands from stdin, too",
  });
}
