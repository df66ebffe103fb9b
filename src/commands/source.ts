import { Command } from "commander";
import type { App } from "../app.js";

interface ExportFlags {
  readonly force?: boolean;
  readonly compileCommands?: boolean;
}

export function sourceCommand(app: App): Command {
  const exporting = new Command("export")
    .description(
      "copy the exact kernel source, patches applied, to this machine: for gdb and editors",
    )
    .argument("<folder>", "made, or replaced when it is an earlier export; its files are read-only")
    .option("-f, --force", "replace the folder and all that is in it, whatever it is")
    .option(
      "--compile-commands",
      "with a compile_commands.json for clangd and other language servers",
    )
    .action((folder: string, flags: ExportFlags) =>
      app.exportSource({
        folder,
        force: flags.force ?? false,
        compileCommands: flags.compileCommands ?? false,
      }),
    );
  return new Command("source").description("the kernel's source tree").addCommand(exporting);
}
