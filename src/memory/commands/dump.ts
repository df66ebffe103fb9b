import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface DumpFlags extends VmFlag {
  readonly compress?: boolean;
  readonly force?: boolean;
}

export function define(kdock: Kdock): Command {
  return new Command("dump")
    .description("write the running guest's memory to a file, for drgn, crash and gdb")
    .argument("<file>", "an ELF core; kdock drgn and kdock crash open it with --core")
    .option(
      "--compress",
      "kdump format with zlib instead: for drgn, and for crash if the kernel has panicked",
    )
    .option("-f, --force", "replace an existing file")
    .addOption(vmOption())
    .action(async (file: string, flags: DumpFlags) => {
      const { compress, force = false } = flags;
      const vm = vmOf(flags);
      const project = await kdock.open();
      const { dump } = await import("../steps/dump.js");
      const { dumpText } = await import("../text/dump-text.js");
      const format = compress === true ? "kdump-zlib" : "elf";
      const result = await dump(project, { vm, path: kdock.resolve(file), format, force });
      kdock.printer("dump").result(result, dumpText(result));
    });
}
