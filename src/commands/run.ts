import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, type KeyFlags, withKvm } from "./flags.js";

interface RunFlags extends KeyFlags {
  readonly name?: string;
  readonly detach?: boolean;
  readonly paused?: boolean;
  /** True without a FILE. */
  readonly dumpOnPanic?: string | boolean;
  readonly requireKvm?: boolean;
  readonly bootTimeout: string;
}

const EXAMPLE = `
--kernel also takes the key of a kernel that is built, or its first digits (see \`kdock kernels\`): that one is booted
with the root file system that was built with it, and nothing is built.`;

export function runCommand(app: App): Command {
  const command = new Command("run")
    .description("boot the VM: console attached, gdbserver on 127.0.0.1:1234")
    .usage("[options] [-- command...]")
    .argument("[command...]", "run this in the guest, exit with its code, power off")
    .option("--name <name>", "one of several VMs on one network; also its host name")
    .option("-d, --detach", "in the background; returns when the guest is ready")
    .option("--paused", "stop before the first instruction and wait for a debugger")
    .option(
      "--dump-on-panic [file]",
      "keep the guest's memory when its kernel panics, in .kdock/dumps or FILE (vm.dumpOnPanic)",
    )
    .option("--boot-timeout <seconds>", "how long the guest may take until it is ready", "300");
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((argv: string[], flags: RunFlags) => {
      const { dumpOnPanic, requireKvm } = flags;
      return app.run(
        {
          name: flags.name,
          command: argv,
          detach: flags.detach ?? false,
          paused: flags.paused ?? false,
          dumpTo: typeof dumpOnPanic === "string" ? dumpOnPanic : undefined,
          bootTimeout: flags.bootTimeout,
        },
        withKvm(
          { ...flags, dumpOnPanic: dumpOnPanic === undefined ? undefined : true },
          requireKvm,
        ),
      );
    });
}
