import { relative } from "node:path";
import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import { addHiddenVm, type VmFlag, vmOf, vmOption } from "../../../app/vm-flag.js";
import { vmWords } from "../../../core/vm-words.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../../app/flags.js";

export function define(kdock: Kdock): Command {
  const command = new Command("load")
    .description("load a module that was built before, again or into another VM")
    .argument("<name>", "the module's name in `kdock module build`")
    .usage("[options] <name>")
    .addOption(vmOption())
    .addOption(bootTimeoutOption());
  return addHiddenVm(command).action(
    async (name: string, typedVm: string | undefined, flags: BootTimeoutFlag & VmFlag) => {
      const vm = vmOf(flags, typedVm);
      const bootTimeoutSeconds = bootTimeoutOf(flags);
      const project = await kdock.openLocked();
      const { requireModule } = await import("../../../build/steps/module-store.js");
      const { loadInto } = await import("./load-into.js");
      const { loadedText } = await import("../../text/module-text.js");
      const module = await requireModule(project.ctx, name);
      const folder = relative(kdock.world.cwd, module.source) || ".";
      const again = `kdock module build ${folder} --load${vmWords(vm)}`;
      const loaded = await loadInto(kdock, project, vm, { module, again, bootTimeoutSeconds });
      kdock.printer("module load").result(loaded, loadedText(loaded));
    },
  );
}
