import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

interface DumpFlags {
  readonly vm?: string;
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
    .option("-f, --force", "replace a file that is there")
    .option("--vm <name>", "which VM, when there are several")
    .action(async (file: string, { vm, compress, force = false }: DumpFlags) => {
      const project = await kdock.open();
      const { dump } = await import("../steps/dump.js");
      const { dumpText } = await import("../text/dump-text.js");
      const format = compress === true ? "kdump-zlib" : "elf";
      const result = await dump(project, { vm, path: kdock.resolve(file), format, force });
      kdock.printer("dump").result(result, dumpText(result));
    });
}
