import type { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { defineMemoryTool } from "./memory-tool.js";

export function define(kdock: Kdock): Command {
  return defineMemoryTool(kdock, "crash", {
    description: "crash at the running guest's memory, or at a dump: ps, bt, log, struct ...",
    args: "crash's own, such as -i FILE; commands may come on stdin, too",
  });
}
