import { Command } from "commander";
import type { Feature } from "./app/feature.js";
import type { Kdock } from "./app/kdock.js";
import { FEATURE_GROUPS, FEATURES } from "./features.js";
import { visible } from "./ui/visible.js";

const EXAMPLES = `
Examples:
  kdock build && kdock run           build everything, boot, gdbserver on 127.0.0.1:1234
  kdock run -d --paused              in the background, stopped before the first instruction
  kdock run -- uname -r              run one command in a fresh guest
  kdock exec -it                     a shell in the running guest
  kdock trap tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/' --bt
  kdock build --preset defconfig --set CONFIG_TCP_CONG_BBR=y

Exit codes:
  0 success; 1 a build or a VM failed, or verify, diff, config diff or net check
  found something; 2 usage or configuration; 3 environment or engine; 70 a bug in
  kdock; 130 interrupted by a signal; 141 stdout or stderr has no reader any more.
  \`run -- COMMAND\` and \`exec\`: the command's own.`;

/** The program with every command, to read its help from. */
export async function kdockProgram(kdock: Kdock): Promise<Command> {
  const program = new Command("kdock");
  defineProgram(program, "");
  for (const [heading, rows] of Object.entries(FEATURE_GROUPS)) {
    for (const { load, summary } of Object.values(rows)) {
      program.addCommand(listed(await commandOf(load, kdock), heading, summary));
    }
  }
  return program;
}

/** The program with the definition of the command that `words` name, to complete a command line with. */
export async function programFor(words: readonly string[], kdock: Kdock): Promise<Command> {
  const program = new Command("kdock");
  defineProgram(program, "");
  for (const command of await commandsFor(words, kdock)) program.addCommand(command);
  return program;
}

/** The command that is called. The others have a name and a line in kdock's --help, which suggestions need as well. */
export async function commandsFor(argv: readonly string[], kdock: Kdock): Promise<Command[]> {
  const at = argv.findIndex(
    (word, index) => !word.startsWith("-") && !TAKES_WORD.has(argv[index - 1] ?? ""),
  );
  const isOwnHelp = at < 0 || argv.slice(0, at).some((word) => word === "--help" || word === "-h");
  const asksForHelp = argv[at] === "help";
  const called = isOwnHelp ? undefined : argv[asksForHelp ? at + 1 : at];
  const row =
    called !== undefined && Object.hasOwn(FEATURES, called) ? FEATURES[called] : undefined;
  const loaded = row === undefined ? undefined : await commandOf(row.load, kdock);
  if (loaded !== undefined && !asksForHelp) return [loaded];
  return Object.entries(FEATURE_GROUPS).flatMap(([heading, rows]) =>
    Object.entries(rows).map(([name, { summary }]) =>
      listed(
        name === called && loaded !== undefined ? loaded : new Command(name),
        heading,
        summary,
      ),
    ),
  );
}

async function commandOf(load: () => Promise<Feature>, kdock: Kdock): Promise<Command> {
  const { define, PARTS = {} } = await load();
  const command = define(kdock)
    .exitOverride()
    .showHelpAfterError("(--help lists what there is)")
    .configureOutput(TEXT);
  const parts = Object.values(PARTS).map((part) => commandOf(part, kdock));
  for (const part of await Promise.all(parts)) command.addCommand(part);
  return command;
}

/** With its line below a heading of kdock's --help. */
function listed(command: Command, heading: string, summary: string): Command {
  return command.summary(summary).helpGroup(`${heading}:`);
}

/** Options of kdock itself whose value is the next word. */
const TAKES_WORD = new Set(["-c", "--config"]);

export function defineProgram(program: Command, version: string): void {
  program
    .description("From nothing to a Linux kernel stopped at the line you care about.")
    .version(version)
    .option(
      "-c, --config <file>",
      "configuration file; its folder is the project (default: kdock.yaml)",
    )
    .option("--json", "one JSON event per line on stdout")
    .option("-v, --verbose", "show every line of the logs")
    .option("--trust", "allow what kdock.yaml asks for outside of its folder, and remember that")
    .commandsGroup("Help:")
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(see kdock --help)")
    .configureOutput(TEXT)
    .exitOverride();
}

/** commander's messages quote the command line, which may hold control characters from elsewhere. */
const TEXT = {
  outputError: (text: string, write: (text: string) => void) => {
    write(visible(text));
  },
};
