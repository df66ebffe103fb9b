import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  return new Command("stop")
    .description("end the VM and remove its container; its console log is kept in .kdock/logs")
    .argument("[vm]", "its name; the same as --vm")
    .addOption(vmOption())
    .action(async (name: string | undefined, flags: VmFlag) => {
      const vm = vmOf(flags, name);
      const { ctx, plan } = await kdock.open();
      const { stopOne } = await import("../steps/vms.js");
      const { stoppedText } = await import("../text/vm-table.js");
      const stopped = await stopOne(ctx, plan, vm);
      kdock.printer("stop").result({ stopped }, stoppedText(stopped));
    });
}
