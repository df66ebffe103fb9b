import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";

interface ExportFlags {
  readonly force?: boolean;
  readonly compileCommands?: boolean;
}

export function define(kdock: Kdock): Command {
  return new Command("export")
    .description(
      "copy the exact kernel source, patches applied, to this machine: for gdb and editors",
    )
    .argument("<folder>", "new, or an earlier export, which is replaced; its files are read-only")
    .option("-f, --force", "replace the folder with all its contents, even if it is no export")
    .option(
      "--compile-commands",
      "with a compile_commands.json for clangd and other language servers",
    )
    .action(async (folder: string, { force = false, compileCommands = false }: ExportFlags) => {
      const { ctx, plan } = await kdock.openLocked();
      const { exportSource } = await import("../../steps/source-export.js");
      const path = kdock.resolve(folder);
      const { home } = kdock.world;
      const result = await exportSource(ctx, plan, { path, compileCommands, force, home });
      kdock.printer("source export").result(result, [`source: ${result.path}`]);
    });
}
