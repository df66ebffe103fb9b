import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("down")
    .description("end all VMs of the project; their console logs are kept in .kdock/logs")
    .action(async () => {
      const { ctx, plan } = await kdock.open();
      const { stopVms } = await import("../steps/vms.js");
      const { stoppedText } = await import("../text/vm-table.js");
      const stopped = await stopVms(ctx, plan);
      kdock.printer("down").result({ stopped }, stoppedText(stopped));
    });
}
