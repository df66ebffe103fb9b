import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";
import type { MemoryTool } from "../../core/plan/architectures.js";

interface Texts {
  readonly description: string;
  /** Help for the tool's own arguments. */
  readonly args: string;
}

/** `kdock drgn` and `kdock crash`: a debugger of the running guest's memory, or of a dump. */
export function defineMemoryTool(
  kdock: Kdock,
  tool: MemoryTool,
  { description, args }: Texts,
): Command {
  return new Command(tool)
    .description(description)
    .usage("[options] [-- arguments...]")
    .argument("[arguments...]", args)
    .option("--core <file>", "a dump that kdock dump wrote, instead of a fresh one")
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
