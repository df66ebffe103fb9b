import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, list, type KeyFlags, withKvm } from "./flags.js";

interface DebugFlags extends KeyFlags {
  readonly vm?: string;
  readonly break?: string[];
  readonly exec?: string;
  readonly if?: string;
  readonly boot?: boolean;
  readonly keep?: boolean;
  readonly requireKvm?: boolean;
  readonly bootTimeout: string;
}

const EXAMPLES = `
Uses the VM that runs. Where none does, it builds what is owed, boots one, and ends that one with gdb, unless --keep is given.

Examples:
  kdock debug tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/'
  kdock debug --boot start_kernel
  kdock debug kernel_clone --exec ls -- -tui
  echo backtrace | kdock debug kernel_clone --exec ls`;

export function debugCommand(app: App): Command {
  const command = new Command("debug")
    .description("stop at functions or lines, and give gdb's prompt there")
    .usage("[options] <place...> [-- gdb-arguments...]")
    .argument("[place...]", "function, FILE:LINE or *ADDRESS; after -- gdb's own arguments")
    .option("--break <place>", "the same as a place; may be repeated", list)
    .option("--exec <command>", "shell command for the guest, once the breakpoints are set")
    .option("--if <expression>", "only when this is true")
    .option("--vm <name>", "which VM, when there are several")
    .option("--boot", "start a VM and stop it while it boots: for start_kernel and the like")
    .option("--keep", "leave a VM that was started for this running")
    .option("--boot-timeout <seconds>", "how long the guest may take until it is ready", "300");
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLES)
    .action((words: string[], flags: DebugFlags) => {
      // What begins with a dash came after "--", or it would have been taken for a flag of ours.
      const dash = words.findIndex((word) => word.startsWith("-"));
      const places = dash < 0 ? words : words.slice(0, dash);
      return app.debug(
        {
          vm: flags.vm,
          places: [...places, ...(flags.break ?? [])],
          gdbArguments: dash < 0 ? [] : words.slice(dash),
          exec: flags.exec,
          condition: flags.if,
          boot: flags.boot ?? false,
          keep: flags.keep ?? false,
          bootTimeout: flags.bootTimeout,
        },
        withKvm(flags, flags.requireKvm),
      );
    });
}
