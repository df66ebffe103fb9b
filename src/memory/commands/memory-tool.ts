import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";
import type { MemoryTool } from "../../core/plan/architectures.js";

interface Texts {
  readonly description: string;
  /** Help text for the arguments that are passed to the tool. */
  readonly args: string;
}

/** Defines `kdock drgn` or `kdock crash`: a debugger on the running guest's memory, or on a dump. */
export function defineMemoryTool(
  kdock: Kdock,
  tool: MemoryTool,
  { description, args }: Texts,
): Command {
  return new Command(tool)
    .description(description)
    .usage("[options] [-- arguments...]")
    .argument("[arguments...]", args)
    .option("--core <file>", "a file written by kdock dump, instead of a new dump")
    .addOption(vmOption())
    .action(async (args: string[], flags: VmFlag & { readonly core?: string }) => {
      const { core } = flags;
      const vm = vmOf(flags);
      const project = await kdock.openLocked();
      const { runMemory } = await import("../steps/memory.js");
      const { filesAmong } = await import("../../core/steps/files-among.js");
      kdock.exitCode = await runMemory(project, {
        ...{ vm, tool, args, core: core === undefined ? undefined : kdock.resolve(core) },
        files: await filesAmong(project.ctx, args, kdock.resolve),
      });
    });
}
