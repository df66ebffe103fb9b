import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { KdockError } from "../../core/errors.js";
import type { RunRequest } from "../steps/run.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../app/flags.js";
import { addBuildFlags, addOwnFlags, addVmFlags } from "../../app/key-options.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface RunFlags extends KeyFlags, BootTimeoutFlag, VmFlag {
  readonly name?: string;
  readonly detach?: boolean;
  readonly paused?: boolean;
  /** True without a FILE. */
  readonly dumpOnPanic?: string | boolean;
}

const EXAMPLE = `
--kernel also takes the key of a kernel that is built, or its first digits (see \`kdock kernels\`): that one is booted
with the root file system that was built with it, and nothing is built.`;

export function define(kdock: Kdock): Command {
  const command = new Command("run")
    .description("boot the VM: console attached, gdbserver on 127.0.0.1:1234")
    .usage("[options] [-- command...]")
    .argument("[command...]", "run this in the guest, exit with its code, power off")
    .option("--name <name>", "one of several VMs on one network; also its host name")
    .addOption(vmOption().hideHelp())
    .option("-d, --detach", "in the background; returns when the guest is ready")
    .option("--paused", "stop before the first instruction and wait for a debugger");
  addOwnFlags(command).addOption(bootTimeoutOption());
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action(async (argv: string[], flags: RunFlags) => {
      const { run } = await import("../steps/run.js");
      const { flagsForVm } = await import("../../config/vm-flags.js");
      const { keyValues } = await import("../../config/key-flags.js");
      const request = await runRequest(kdock, argv, flags);
      const project = await kdock.openBootable(flags);
      const config = flagsForVm(project.config, request.name, keyValues(flags));
      kdock.exitCode = await run({ ...project, config }, request, kdock.printer("run"));
    });
}

async function runRequest(
  kdock: Kdock,
  command: readonly string[],
  flags: RunFlags,
): Promise<RunRequest> {
  const { detach = false, paused = false, dumpOnPanic } = flags;
  const name = await vmNameOf(flags);
  const bootTimeoutSeconds = bootTimeoutOf(flags);
  if (command.length > 0 && (detach || paused)) {
    throw new KdockError("usage", "a command cannot be run with --detach or --paused", {
      hint: "Start the VM with `kdock run -d` first, or leave the command out.",
    });
  }
  const dumpTo = typeof dumpOnPanic === "string" ? kdock.resolve(dumpOnPanic) : undefined;
  return { name, command, detach, paused, dumpTo, bootTimeoutSeconds };
}

async function vmNameOf(flags: Pick<RunFlags, "name" | "vm">): Promise<string> {
  const { DEFAULT_VM } = await import("../../core/plan/names.js");
  const { vmNameProblem } = await import("../../config/vm-name.js");
  const name = vmOf(flags, flags.name) ?? DEFAULT_VM;
  const problem = vmNameProblem(name);
  if (problem !== undefined) throw new KdockError("usage", `--name: ${problem}`);
  return name;
}
