import { Command } from "commander";
import type { App } from "../app.js";

export function drgnCommand(app: App): Command {
  return new Command("drgn")
    .description(
      "drgn at the running guest's memory, or at a dump: Python, with the kernel's types",
    )
    .usage("[options] [-- arguments...]")
    .argument("[arguments...]", "drgn's own: a script and its arguments, or -e CODE")
    .option("--core <file>", "a dump that kdock dump wrote, instead of a fresh one")
    .option("--vm <name>", "which VM, when there are several")
    .action((args: string[], flags: { vm?: string; core?: string }) =>
      app.memory({ tool: "drgn", vm: flags.vm, core: flags.core, args }),
    );
}
