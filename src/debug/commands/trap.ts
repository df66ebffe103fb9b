import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { NOT_HIT } from "../../core/errors.js";
import {
  type BootTimeoutFlag,
  bootTimeoutOf,
  bootTimeoutOption,
  countOf,
  list,
  refuseExecAtBoot,
  secondsOf,
} from "../../app/flags.js";
import { addBuildFlags, addVmFlags } from "../../app/key-options.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface TrapFlags extends KeyFlags, BootTimeoutFlag, VmFlag {
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
}

const EXAMPLE = `
Uses the running VM. Without one, it builds what is out of date, boots a VM, and stops it afterwards, unless --keep is given.

Examples:
  kdock trap tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/' --bt --args --print 'skb->len' --count 3
  kdock trap --boot start_kernel --bt`;

export function define(kdock: Kdock): Command {
  const command = new Command("trap")
    .description("stop at functions or lines, print values at each hit, and continue; no prompt")
    .argument("<place...>", "function, FILE:LINE or *ADDRESS")
    .addOption(vmOption())
    .option(
      "--exec <command>",
      "shell command for the guest, once the stops are set; repeated while it causes hits and more are needed",
    )
    .option("--if <expression>", "only when this is true")
    .option("--bt", "print the backtrace")
    .option("--args", "print the function's arguments")
    .option("--locals", "print local variables")
    .option("--print <expression>", "print an expression; may be repeated", list)
    .option("--count <n>", "end after this many hits", "1")
    .option("--timeout <seconds>", "how long to wait for the hits; then the exit code is 1", "30")
    .option("--boot", "start a VM and trap it while it boots: for start_kernel and the like")
    .option("--keep", "leave a VM running that this command started")
    .addOption(bootTimeoutOption());
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((places: string[], flags: TrapFlags) => runTrap(kdock, places, flags));
}

async function runTrap(kdock: Kdock, stops: readonly string[], flags: TrapFlags): Promise<void> {
  refuseExecAtBoot(flags);
  const vm = vmOf(flags);
  const { exec, boot = false, keep = false, if: condition = null } = flags;
  const { bt = false, args = false, locals = false, print: expressions = [] } = flags;
  const count = countOf("--count", flags.count);
  const timeout = secondsOf("--timeout", flags.timeout);
  const bootTimeoutSeconds = bootTimeoutOf(flags);
  const project = await kdock.openBootable(flags);
  const print = kdock.printer("trap");
  const { trap } = await import("../steps/trap.js");
  const { trapText } = await import("../text/trap-text.js");
  const asked = { stops, condition, bt, args, locals, print: expressions, count, timeout };
  const options = { vm, exec, boot, keep, bootTimeoutSeconds, asked };
  const result = await trap(project, options, (event) => {
    print.line(trapText(event));
  });
  if (result.reason !== "count") kdock.exitCode = NOT_HIT;
  print.result(result, []);
}
