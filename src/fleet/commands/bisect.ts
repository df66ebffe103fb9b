import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { CHECK_FAILED } from "../../core/errors.js";
import type { Project } from "../../build/project.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../app/flags.js";
import { addBuildFlags, addVmFlags } from "../../app/key-options.js";

interface BisectFlags extends KeyFlags, BootTimeoutFlag {
  readonly good?: string;
  readonly bad?: string;
  readonly continue?: boolean;
  readonly reset?: boolean;
  readonly skipBuildFailures: boolean;
}

type SearchFlags = Omit<BisectFlags, "reset">;

const EXAMPLE = `
The command's exit code decides, as with \`git bisect run\`: 0 is good, 125 skips the commit, anything else below 128 is bad; a
kernel that panics or does not boot is bad, one that does not build is skipped. Each step compiles only what has changed since
the previous one. After Ctrl-C the search can be continued.

Examples:
  kdock bisect --kernel git:https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git#master \\
      --good v6.11 --bad v6.12 -- sh -c 'ping -c 1 10.0.3.1'
  kdock bisect --kernel ./linux --good v6.12 --bad HEAD -- /root/test.sh
  kdock bisect --continue`;

export function define(kdock: Kdock): Command {
  const command = new Command("bisect")
    .description("find the commit that broke something: git bisect, each step built and booted")
    .usage("[options] --good <ref> --bad <ref> -- command...")
    .argument("[command...]", "run in each guest")
    .option("--good <ref>", "commit, tag or branch that still works")
    .option("--bad <ref>", "commit, tag or branch that does not")
    .option("--continue", "continue the interrupted search with its options")
    .option("--reset", "discard the search")
    .option("--skip-build-failures", "skip a commit that does not build (default)", true)
    .option("--no-skip-build-failures", "stop at a commit that does not build")
    .addOption(bootTimeoutOption());
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action(async (argv: string[], { reset, ...flags }: BisectFlags) => {
      if (reset === true) await discard(kdock);
      else await search(kdock, argv, flags);
    });
}

async function discard(kdock: Kdock): Promise<void> {
  const { ctx } = await kdock.open({ history: true });
  const { resetBisect } = await import("../steps/bisect.js");
  const reset = await resetBisect(ctx);
  kdock.printer("bisect").result({ reset }, [reset ? "search discarded" : "there is no search"]);
}

async function search(kdock: Kdock, command: readonly string[], flags: SearchFlags): Promise<void> {
  const { good, bad, continue: resume = false, skipBuildFailures, bootTimeout, ...keys } = flags;
  const { ctx } = await kdock.open({ history: true });
  const { continueBisect, readBisectState, startBisect } = await import("../steps/bisect.js");
  const { bisectCall } = await import("../plan/bisect-order.js");
  const { bisectText } = await import("../text/bisect-text.js");
  const call = bisectCall(
    { command, good, bad, skipBuildFailures, continue: resume },
    keys,
    kdock.world.cwd,
    await readBisectState(ctx),
  );
  const bootTimeoutSeconds = bootTimeoutOf({ bootTimeout });
  const result =
    call.kind === "continue"
      ? await continueBisect(await openHistory(kdock, call.state.flags), call.state)
      : await startBisect(await openHistory(kdock, keys), { ...call.order, bootTimeoutSeconds });
  if (result.first === undefined) kdock.exitCode = CHECK_FAILED;
  kdock.printer("bisect").result(result, bisectText(result));
}

function openHistory(kdock: Kdock, flags: KeyFlags): Promise<Project> {
  return kdock.open({ flags, readLock: true, history: true });
}
