import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";
import { detachedNote } from "../../core/print.js";
import { vmWords } from "../../core/vm-words.js";

export function define(kdock: Kdock): Command {
  return new Command("console")
    .description("attach to the console of the running VM; Ctrl-] detaches")
    .argument("[vm]", "its name; the same as --vm")
    .addOption(vmOption())
    .action(async (name: string | undefined, flags: VmFlag) => {
      const vm = vmOf(flags, name);
      const { ctx, plan } = await kdock.open();
      const { openConsole } = await import("../steps/vms.js");
      const { end, panic } = await openConsole(ctx, plan, vm);
      if (panic !== undefined) {
        const { failWith } = await import("./guest-panic.js");
        await failWith(kdock, panic);
      }
      const text = end === "detached" ? detachedNote(vmWords(vm)) : "\nthe VM ended";
      kdock.printer("console").note(text);
    });
}
