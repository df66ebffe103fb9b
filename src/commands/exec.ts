import { Command } from "commander";
import type { App } from "../app.js";
import { BOOT_TIMEOUT, list } from "./flags.js";

interface ExecFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly cwd?: string;
  readonly env?: string[];
  readonly bootTimeout: string;
}

const EXAMPLES = `
Examples:
  kdock exec -- dmesg                     its output, its exit code
  kdock exec -it                          a shell; Ctrl-] leaves it
  kdock exec -i -- sh -c 'cat > /tmp/x' < x
  kdock exec -t -- top                    a terminal in the guest, no keyboard

Ctrl-C ends the command in the guest, too; with -it it is the guest's. Exit codes are the command's own, 128+N for
signal N, 127 for a command that is not found, 126 for one that is not executable.`;

export function execCommand(app: App): Command {
  return new Command("exec")
    .description("run a command in the running guest, or with -it a shell")
    .usage("[options] [VM] -- command...")
    .argument("[words...]")
    .option("-i, --interactive", "pass stdin on")
    .option("-t, --tty", "give the command a terminal; with -i yours")
    .option("--cwd <folder>", "where in the guest (default: its home folder)")
    .option("-e, --env <name=value>", "a variable for it; may be repeated; NAME for yours", list)
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300")
    .addHelpText("after", EXAMPLES)
    .action((words: string[], flags: ExecFlags, command: Command) => {
      const [vms, rest] = split(words, rawArguments(command));
      if (vms.length > 1 || (rest === undefined && vms.length > 0 && !isShell(flags))) {
        command.error(`error: a command comes after --: kdock exec -- ${words.join(" ")}`);
      }
      return app.exec({
        vm: vms[0],
        command: rest ?? [],
        input: flags.interactive ?? false,
        tty: flags.tty ?? false,
        cwd: flags.cwd ?? "",
        env: flags.env ?? [],
        bootTimeout: flags.bootTimeout,
      });
    });
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
