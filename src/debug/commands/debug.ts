import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { KdockError } from "../../core/errors.js";
import {
  type BootTimeoutFlag,
  bootTimeoutOf,
  bootTimeoutOption,
  list,
  refuseExecAtBoot,
} from "../../app/flags.js";
import { addBuildFlags, addVmFlags } from "../../app/key-options.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface DebugFlags extends KeyFlags, BootTimeoutFlag, VmFlag {
  readonly break?: string[];
  readonly exec?: string;
  readonly if?: string;
  readonly boot?: boolean;
  readonly keep?: boolean;
}

const EXAMPLES = `
Uses the running VM. Without one, it builds what is out of date, boots a VM, and stops it when gdb ends, unless --keep is given.

Examples:
  kdock debug tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/'
  kdock debug --boot start_kernel
  kdock debug kernel_clone --exec ls -- -tui
  echo backtrace | kdock debug kernel_clone --exec ls`;

export function define(kdock: Kdock): Command {
  const command = new Command("debug")
    .description("stop at functions or lines, and open gdb's prompt there")
    .usage("[options] <place...> [-- gdb-arguments...]")
    .argument("[place...]", "function, FILE:LINE or *ADDRESS; after -- arguments for gdb")
    .option("--break <place>", "the same as a place; may be repeated", list)
    .option("--exec <command>", "shell command for the guest, once the breakpoints are set")
    .option("--if <expression>", "only when this is true")
    .addOption(vmOption())
    .option("--boot", "start a VM and stop it while it boots: for start_kernel and the like")
    .option("--keep", "leave a VM running that this command started")
    .addOption(bootTimeoutOption());
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: DebugFlags) => {
      const { exec, if: condition = null, boot = false, keep = false } = flags;
      const vm = vmOf(flags);
      const { places, gdbArguments } = split(words);
      const stops = [...places, ...(flags.break ?? [])];
      const bootTimeoutSeconds = bootTimeoutOf(flags);
      requirePlace(stops);
      refuseExecAtBoot(flags);
      const project = await kdock.openBootable(flags);
      const { debug } = await import("../steps/debug.js");
      kdock.exitCode = await debug(project, {
        ...{ vm, gdbArguments, exec, boot, keep, bootTimeoutSeconds },
        asked: { stops, condition },
      });
    });
}

/** gdb's arguments begin at the first dash: commander has already taken the flags before "--". */
function split(words: readonly string[]) {
  const dash = words.findIndex((word) => word.startsWith("-"));
  if (dash < 0) return { places: words, gdbArguments: [] };
  return { places: words.slice(0, dash), gdbArguments: words.slice(dash) };
}

function requirePlace(places: readonly string[]): void {
  if (places.length > 0) return;
  throw new KdockError("usage", "no place to stop at", {
    hint: "Name one: `kdock debug tcp_v4_rcv`. `kdock gdb` stops the guest anywhere.",
  });
}
