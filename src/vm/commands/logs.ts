import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("logs")
    .description("print what the guest has said on its console")
    .argument("[vm]", "its name, when there are several")
    .option("-f, --follow", "and go on printing")
    .action(async (vm: string | undefined, { follow = false }: { follow?: boolean }) => {
      const { ctx, plan } = await kdock.open();
      const { streamLogs } = await import("../steps/logs.js");
      const panic = await streamLogs(ctx, plan, { vm, follow });
      if (panic !== undefined) {
        const { failWith } = await import("./guest-panic.js");
        await failWith(kdock, panic);
      }
    });
}
