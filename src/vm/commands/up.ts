import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../app/flags.js";
import { addBuildFlags } from "../../app/key-options.js";
import { type VmsFlag, vmsOf, vmsOption } from "../../app/vm-flag.js";

export function define(kdock: Kdock): Command {
  const command = new Command("up")
    .description("boot the VMs of kdock.yaml (vms), all together, in the background")
    .argument("[names...]", "only these; the same as --vm")
    .addOption(vmsOption())
    .addOption(bootTimeoutOption("how long each guest may take until it is ready"));
  return addBuildFlags(command).action(
    async (typed: string[], flags: KeyFlags & BootTimeoutFlag & VmsFlag) => {
      const names = vmsOf(flags, typed);
      const bootTimeoutSeconds = bootTimeoutOf(flags);
      const project = await kdock.openBootable(flags);
      const { up } = await import("../steps/up.js");
      const { upText } = await import("../text/vm-table.js");
      const result = await up(project, { names, bootTimeoutSeconds });
      kdock.printer("up").result(result, upText(result));
    },
  );
}
