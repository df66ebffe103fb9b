import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("ps")
    .description("list this project's VM, with its gdb port")
    .option("-a, --all", "the VMs of every project on this engine")
    .action(async ({ all = false }: { all?: boolean }) => {
      const { ctx, plan } = await kdock.open();
      const { listVms } = await import("../steps/vms.js");
      const { vmTable } = await import("../text/vm-table.js");
      const rows = await listVms(ctx, all ? undefined : plan.names.id);
      kdock.printer("ps").result(rows, vmTable(rows, all));
    });
}
