import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../app/flags.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

const EXAMPLES = `
Examples:
  kdock cp ./test.sh :/root/              into the guest
  kdock cp :/proc/config.gz .             out of it
  kdock cp ./folder :/mnt                 as /mnt/folder when /mnt is there, else as /mnt
  kdock cp ./folder/. :/mnt               what is in it

A path of the guest begins with a colon; a VM's name may stand before it, as with --vm. Modes are kept, links stay links.
A path here that has a colon in it: ./a:b.`;

export function define(kdock: Kdock): Command {
  return new Command("cp")
    .description("copy files and folders between this machine and the running guest")
    .argument("<from>", "a path here, or [VM]:PATH of the guest")
    .argument("<to>", "the same; one of the two is the guest's")
    .addOption(vmOption())
    .addOption(bootTimeoutOption())
    .addHelpText("after", EXAMPLES)
    .action(async (from: string, to: string, flags: BootTimeoutFlag & VmFlag) => {
      const bootTimeoutSeconds = bootTimeoutOf(flags);
      const { copyRequest } = await import("../plan/copy-request.js");
      const request = copyRequest(from, to);
      const vm = vmOf(flags, request.from.vm ?? request.to.vm);
      const [ctx, { copy }] = await Promise.all([kdock.openGuests(), import("../steps/copy.js")]);
      const result = await copy(ctx, vm, request, bootTimeoutSeconds);
      kdock.printer("cp").result(result, []);
      const { leftOutError } = await import("../text/copy-text.js");
      if (result.leftOut.length > 0) throw leftOutError(result);
    });
}
