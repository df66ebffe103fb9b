import { dirname } from "node:path";
import { Argument, Command } from "commander";
import { configPath } from "../../app/config-file.js";
import type { Kdock } from "../../app/kdock.js";
import { KdockError } from "../../core/errors.js";
import { type Shell, SHELLS } from "../../core/plan/choices.js";
import type { Candidate, Wanted } from "../plan/wanted.js";

const MORE = `
Examples:
  source <(kdock completion bash)                 in ~/.bashrc
  source <(kdock completion zsh)                  in ~/.zshrc, after compinit
  kdock completion fish | source                  in ~/.config/fish/config.fish
  kdock completion bash -- run --arch ''          what the script asks at a TAB, and gets as an answer

Commands, flags, and the names that they take are completed: VMs, kernel keys, kernel options, functions of the kernel, modules,
files. The script asks kdock for them, so that it fits each version of kdock.`;

export function define(kdock: Kdock): Command {
  return new Command("completion")
    .description("print a script that completes kdock's command line at a TAB")
    .usage("[options] <shell> [-- words...]")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .argument("[words...]", "instead of the script, what may stand in the place of the last one")
    .addHelpText("after", MORE)
    .action(async (shell: Shell, words: string[]) => {
      const last = words.at(-1);
      const lines =
        last === undefined
          ? await script(kdock, shell)
          : await answer(kdock, shell, words.slice(0, -1), last);
      kdock.printer("completion").result({ shell, lines }, lines);
    });
}

async function script(kdock: Kdock, shell: Shell): Promise<readonly string[]> {
  const { KDOCK_ROOT } = await import("../../app/project.js");
  const path = `${KDOCK_ROOT}/completions/kdock.${shell}`;
  const text = await (await kdock.files()).readText(path);
  if (text === undefined) throw new KdockError("environment", `there is no file ${path}`);
  return text.trimEnd().split("\n");
}

async function answer(
  kdock: Kdock,
  shell: Shell,
  words: readonly string[],
  last: string,
): Promise<readonly string[]> {
  const [{ programFor }, { readCommandLine }, { wantedAt }, { answerTo }, { answerText }] =
    await Promise.all([
      import("../../program.js"),
      import("../plan/command-line.js"),
      import("../plan/wanted.js"),
      import("../plan/answer.js"),
      import("../text/answer-text.js"),
    ]);
  const line = readCommandLine(await programFor(words, kdock), words);
  const wanted = wantedAt(line, last);
  const names = wanted.names.length === 0 ? [] : await lookUp(kdock, line.config, wanted);
  return answerText(answerTo(wanted, names), shell);
}

/** No names where they cannot be found, for example without an engine: a file may still be meant. */
async function lookUp(
  kdock: Kdock,
  config: string | undefined,
  { names, typed }: Pick<Wanted, "names" | "typed">,
): Promise<readonly Candidate[]> {
  const globals = config === undefined ? {} : { config };
  const path = configPath(kdock.world, globals);
  try {
    const [guests, { findNames }] = await Promise.all([
      kdock.openGuests(globals),
      import("../steps/names.js"),
    ]);
    const place = { guests, files: guests.files, configPath: path, folder: dirname(path) };
    return await findNames(place, names, typed);
  } catch (error) {
    if (error instanceof KdockError) return [];
    throw error;
  }
}
