import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, BOOT_TIMEOUT, type KeyFlags, withKvm } from "./flags.js";

interface BisectFlags extends KeyFlags {
  readonly good?: string;
  readonly bad?: string;
  readonly continue?: boolean;
  readonly reset?: boolean;
  readonly skipBuildFailures: boolean;
  readonly requireKvm?: boolean;
  readonly bootTimeout: string;
}

const EXAMPLE = `
The command's exit code decides, as with \`git bisect run\`: 0 is good, 125 skips the commit, anything else below 128 is bad; a
kernel that panics or does not boot is bad, one that does not build is skipped. Each step compiles only what differs from
the one before. Ctrl-C leaves the search where it is.

Examples:
  kdock bisect --kernel git:https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git#master \\
      --good v6.11 --bad v6.12 -- sh -c 'ping -c 1 10.0.3.1'
  kdock bisect --kernel ./linux --good v6.12 --bad HEAD -- /root/test.sh
  kdock bisect --continue`;

export function bisectCommand(app: App): Command {
  const command = new Command("bisect")
    .description("find the commit that broke something: git bisect, each step built and booted")
    .usage("[options] --good <ref> --bad <ref> -- command...")
    .argument("[command...]", "run in each guest")
    .option("--good <ref>", "commit, tag or branch that still works")
    .option("--bad <ref>", "commit, tag or branch that does not")
    .option("--continue", "go on with the search that was broken off, as it was begun")
    .option("--reset", "forget it")
    .option("--skip-build-failures", "skip a commit that does not build (default)", true)
    .option("--no-skip-build-failures", "stop there instead")
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300");
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((argv: string[], flags: BisectFlags) => {
      const {
        good,
        bad,
        continue: goOn,
        reset,
        skipBuildFailures,
        requireKvm,
        bootTimeout,
        ...keys
      } = flags;
      return app.bisect(
        {
          ...{ command: argv, good, bad, skipBuildFailures, bootTimeout },
          continue: goOn ?? false,
          reset: reset ?? false,
        },
        withKvm(keys, requireKvm),
      );
    });
}
