import { relative, resolve } from "node:path";
import { Argument, Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";
import { type Editor, EDITORS } from "../../core/plan/choices.js";

export function define(kdock: Kdock): Command {
  return new Command("ide")
    .description("write an editor's files for debugging this project's kernel")
    .addArgument(new Argument("<editor>").choices(EDITORS))
    .option("-f, --force", "overwrite files that kdock did not write and cannot merge into")
    .addOption(vmOption())
    .action(async (editor: Editor, typed: VmFlag & { readonly force?: boolean }) => {
      const { force = false } = typed;
      const vm = vmOf(typed);
      const project = await kdock.open({ usesOutside: true });
      const { KDOCK_ROOT } = await import("../../app/project.js");
      const { writeIdeFiles } = await import("../steps/ide.js");
      const isNamed = kdock.globals.config !== undefined;
      const flags = isNamed ? ["-c", relative(project.ctx.folder, kdock.configPath)] : [];
      const kdockRoot = resolve(KDOCK_ROOT);
      const files = await writeIdeFiles(project, { editor, vm, force, flags, kdockRoot });
      const lines = files.map(({ path, state }) => `${state.padEnd(10)} ${path}`);
      kdock.printer("ide").result({ files }, lines);
    });
}
