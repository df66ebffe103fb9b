import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, list, type KeyFlags, withKvm } from "./flags.js";

interface TrapFlags extends KeyFlags {
  readonly vm?: string;
  readonly exec?: string;
  readonly if?: string;
  readonly bt?: boolean;
  readonly args?: boolean;
  readonly locals?: boolean;
  readonly print?: string[];
  readonly count: string;
  readonly timeout: string;
  readonly boot?: boolean;
  readonly keep?: boolean;
  readonly requireKvm?: boolean;
  readonly bootTimeout: string;
}

const EXAMPLE = `
Uses the VM that runs. Where none does, it builds what is owed, boots one, and ends that one afterwards, unless --keep is given.

Examples:
  kdock trap tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/' --bt --args --print 'skb->len' --count 3
  kdock trap --boot start_kernel --bt`;

export function trapCommand(app: App): Command {
  const command = new Command("trap")
    .description(
      "stop at functions or lines, print what was asked for at each hit, go on; no prompt",
    )
    .argument("<place...>", "function, FILE:LINE or *ADDRESS")
    .option("--vm <name>", "which VM, when there are several")
    .option(
      "--exec <command>",
      "shell command for the guest, once the stops are set; again while hits are missing and it brings some",
    )
    .option("--if <expression>", "only when this is true")
    .option("--bt", "print the backtrace")
    .option("--args", "print the function's arguments")
    .option("--locals", "print local variables")
    .option("--print <expression>", "print an expression; may be repeated", list)
    .option("--count <n>", "end after so many hits", "1")
    .option("--timeout <seconds>", "how long to wait for them; then the exit code is 1", "30")
    .option("--boot", "start a VM and trap it while it boots: for start_kernel and the like")
    .option("--keep", "leave a VM that was started for this running")
    .option("--boot-timeout <seconds>", "how long the guest may take until it is ready", "300");
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((places: string[], flags: TrapFlags) =>
      app.trap(
        {
          places,
          vm: flags.vm,
          exec: flags.exec,
          condition: flags.if,
          bt: flags.bt ?? false,
          args: flags.args ?? false,
          locals: flags.locals ?? false,
          print: flags.print ?? [],
          count: flags.count,
          timeout: flags.timeout,
          bootTimeout: flags.bootTimeout,
          boot: flags.boot ?? false,
          keep: flags.keep ?? false,
        },
        withKvm(flags, flags.requireKvm),
      ),
    );
}
