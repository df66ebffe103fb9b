import { Argument, Command } from "commander";
import type { App, Editor } from "../app.js";

const EDITORS: readonly Editor[] = ["vscode", "nvim", "devcontainer"];

export function ideCommand(app: App): Command {
  return new Command("ide")
    .description("write an editor's files for debugging this project's kernel")
    .addArgument(new Argument("<editor>").choices(EDITORS))
    .option("-f, --force", "overwrite files that kdock did not write and cannot add to")
    .action((editor: Editor, flags: { force?: boolean }) =>
      app.ide({ editor, force: flags.force ?? false }),
    );
}
