import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  return new Command("logs")
    .description("print what the guest has said on its console")
    .argument("[vm]", "its name; the same as --vm")
    .addOption(vmOption())
    .option("-f, --follow", "and go on printing")
    .action(async (name: string | undefined, flags: VmFlag & { readonly follow?: boolean }) => {
      const vm = vmOf(flags, name);
      const { follow = false } = flags;
      const { ctx, plan } = await kdock.open();
      const { streamLogs } = await import("../steps/logs.js");
      const panic = await streamLogs(ctx, plan, { vm, follow });
      if (panic !== undefined) {
        const { failWith } = await import("./guest-panic.js");
        await failWith(kdock, panic);
      }
    });
}
