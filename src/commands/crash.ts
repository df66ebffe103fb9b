import { Command } from "commander";
import type { App } from "../app.js";

export function crashCommand(app: App): Command {
  return new Command("crash")
    .description("crash at the running guest's memory, or at a dump: ps, bt, log, struct ...")
    .usage("[options] [-- arguments...]")
    .argument("[arguments...]", "crash's own, such as -i FILE; commands may come on stdin, too")
    .option("--core <file>", "a dump that kdock dump wrote, instead of a fresh one")
    .option("--vm <name>", "which VM, when there are several")
    .action((args: string[], flags: { vm?: string; core?: string }) =>
      app.memory({ tool: "crash", vm: flags.vm, core: flags.core, args }),
    );
}
