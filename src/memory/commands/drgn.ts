import type { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { defineMemoryTool } from "./memory-tool.js";

export function define(kdock: Kdock): Command {
  return defineMemoryTool(kdock, "drgn", {
    description:
      "drgn on the running guest's memory, or on a dump: Python, with the kernel's types",
    args: "arguments for drgn: a script and its arguments, or -e CODE",
  });
}
