import { Command } from "commander";
import type { App } from "../app.js";

export function dumpCommand(app: App): Command {
  return new Command("dump")
    .description("write the running guest's memory to a file, for drgn, crash and gdb")
    .argument("<file>", "an ELF core; kdock drgn and kdock crash open it with --core")
    .option(
      "--compress",
      "kdump format with zlib instead: for drgn, and for crash if the kernel has panicked",
    )
    .option("-f, --force", "replace a file that is there")
    .option("--vm <name>", "which VM, when there are several")
    .action((file: string, flags: { vm?: string; compress?: boolean; force?: boolean }) =>
      app.dump({
        vm: flags.vm,
        file,
        compress: flags.compress ?? false,
        force: flags.force ?? false,
      }),
    );
}
