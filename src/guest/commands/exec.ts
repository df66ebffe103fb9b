import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption, list } from "../../app/flags.js";
import { type VmFlag, vmOf, vmOption } from "../../app/vm-flag.js";

interface ExecFlags extends BootTimeoutFlag, VmFlag {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly cwd?: string;
  readonly env?: string[];
}

const EXAMPLES = `
Examples:
  kdock exec -- dmesg                     its output, its exit code
  kdock exec -it                          a shell; Ctrl-] leaves it
  kdock exec -i -- sh -c 'cat > /tmp/x' < x
  kdock exec --vm server -- hostname      in the VM server, where there are several; also kdock exec server -- hostname
  kdock exec -t -- top                    a terminal in the guest, no keyboard

Ctrl-C ends the command in the guest, too; with -it it is the guest's. Exit codes are the command's own, 128+N for
signal N, 127 for a command that is not found, 126 for one that is not executable.`;

export function define(kdock: Kdock): Command {
  return new Command("exec")
    .description("run a command in the running guest, or with -it a shell")
    .usage("[options] [VM] -- command...")
    .argument("[words...]")
    .addOption(vmOption())
    .option("-i, --interactive", "pass stdin on")
    .option("-t, --tty", "give the command a terminal; with -i yours")
    .option("--cwd <folder>", "where in the guest (default: its home folder)")
    .option("-e, --env <name=value>", "a variable for it; may be repeated; NAME for yours", list)
    .addOption(bootTimeoutOption())
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], flags: ExecFlags, command: Command) => {
      const [vms, rest] = split(words, rawArguments(command));
      if (vms.length > 1 || (rest === undefined && vms.length > 0 && !isShell(flags))) {
        const vm = flags.vm === undefined ? "" : ` --vm ${flags.vm}`;
        command.error(`error: a command comes after --: kdock exec${vm} -- ${words.join(" ")}`);
      }
      // "" has always been the only VM.
      const name = vms[0] === "" ? undefined : vms[0];
      await exec(kdock, vmOf(flags, name), rest ?? [], flags);
    });
}

async function exec(
  kdock: Kdock,
  vm: string | undefined,
  command: readonly string[],
  flags: ExecFlags,
): Promise<void> {
  const { interactive: input = false, tty = false, cwd = "", env = [] } = flags;
  const bootTimeoutSeconds = bootTimeoutOf(flags);
  const { execRequest } = await import("../plan/exec-request.js");
  const { stdin, stdout, env: callersEnv } = kdock.world;
  const caller = { isTty: stdin.isTTY && stdout.isTTY, env: callersEnv };
  const request = execRequest({ command, input, tty, cwd, env }, caller);
  const [ctx, { execInGuest }] = await Promise.all([
    kdock.openGuests(),
    import("../steps/exec.js"),
  ]);
  kdock.exitCode = await execInGuest(ctx, { ...request, vm, bootTimeoutSeconds });
}

function isShell({ interactive, tty }: ExecFlags): boolean {
  return interactive === true && tty === true;
}

/** commander drops the `--`; only the program's own arguments still have it. */
function rawArguments(command: Command): readonly string[] {
  let top = command;
  while (top.parent !== null) top = top.parent;
  return (top as unknown as { rawArgs: string[] }).rawArgs;
}

/** Words before and after the first `--`; the second undefined where there is none. */
function split(
  words: readonly string[],
  raw: readonly string[],
): [readonly string[], readonly string[] | undefined] {
  const at = raw.indexOf("--");
  if (at < 0) return [words, undefined];
  const after = raw.length - at - 1;
  return [words.slice(0, words.length - after), words.slice(words.length - after)];
}
