import { Command, CommanderError } from "commander";
import { createKdock, type Kdock } from "./app/kdock.js";
import type { Session } from "./core/session.js";
import { EXIT_CODES, exitCodeOf, KdockError } from "./core/errors.js";
import { FEATURE_GROUPS, FEATURES } from "./features.js";
import type { Feature } from "./app/feature.js";
import { flushOutput } from "./core/flush.js";
import { OutputError } from "./core/output-error.js";
import { redactUrls } from "./core/redact.js";
import type { Event, Reporter } from "./ui/reporter.js";
import { visible, writeText } from "./ui/visible.js";
import type { GlobalFlags, World } from "./core/world.js";

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

/** Parses, runs one command, and turns an error into text and an exit code. The only catch-all. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const program = new Command("kdock");
  // Flags select the reporter; loading one takes longer than printing --help.
  let chosen: Reporter | undefined;
  const reporter: Reporter = {
    emit: (event) => chosen?.emit(withoutPasswords(event)),
    pause: () => chosen?.pause(),
  };
  const session: Session = {
    world,
    reporter,
    get globals() {
      return program.opts<GlobalFlags>();
    },
  };
  program.hook("preAction", async (_program, command) => {
    // `exec` gives the terminal to the guest at once: no spinner.
    const canMove = command.name() !== "exec";
    chosen = await loadReporter(session, canMove);
  });
  const kdock = createKdock(session);
  defineProgram(program, world.version);
  for (const command of await commandsFor(argv, kdock)) program.addCommand(command);
  try {
    const exitCode = await parsed(program, argv, () => kdock.exitCode);
    await flushOutput(world);
    // `capture` ends without an error at a signal; the exit code is the signal's all the same.
    world.signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    return report(world.signal.aborted ? world.signal.reason : error, session);
  } finally {
    reporter.pause();
  }
}

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

/** Runs the command. commander prints --help and usage errors itself. */
async function parsed(
  program: Command,
  argv: readonly string[],
  exitCode: () => number,
): Promise<number> {
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
  }
}

async function loadReporter({ world, globals }: Session, canMove: boolean): Promise<Reporter> {
  const { chooseReporter } = await import("./ui/choose-reporter.js");
  return chooseReporter({
    json: globals.json ?? false,
    isTty:
      canMove &&
      world.stderr.isTTY &&
      world.env["TERM"] !== "dumb" &&
      world.env["CI"] === undefined,
    verbose: globals.verbose ?? false,
    color: world.env["NO_COLOR"] === undefined,
    stderr: world.stderr,
    stdout: world.stdout,
    now: Date.now,
  });
}

/** The command that is called. The others have a name and a line in kdock's --help, which suggestions need as well. */
async function commandsFor(argv: readonly string[], kdock: Kdock): Promise<Command[]> {
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

function defineProgram(program: Command, version: string): void {
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

/** Results and the output of guests stay unchanged. */
function withoutPasswords(event: Event): Event {
  switch (event.type) {
    case "output":
    case "row":
    case "result":
    case "progress":
      return event;
    default:
      return redacted(event);
  }
}

/** Texts, and lists of texts. */
function redacted<E extends Event>(event: E): E {
  const clean = (value: unknown): unknown =>
    typeof value === "string" ? redactUrls(value) : Array.isArray(value) ? value.map(clean) : value;
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, clean(value)]),
  ) as E;
}

function report(error: unknown, { world, reporter, globals }: Session): number {
  reporter.pause();
  const say = (text: string) => {
    writeText(world.stderr, `${redactUrls(text)}\n`);
  };
  const known = error instanceof KdockError ? error : undefined;
  const exitCode = exitCodeOf(error);
  const isLost = error instanceof OutputError && error.stream === "stdout";
  if (globals.json === true && !isLost) {
    const message = error instanceof Error ? error.message : String(error);
    reporter.emit({
      type: "error",
      code: known?.code ?? "bug",
      message,
      hint: known?.hint,
      exitCode,
    });
  } else if (known === undefined) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(`kdock: this is a bug in kdock; please report it with the lines below\n${stack}`);
  } else if (known.code === "reader-lost") {
    // As every program that SIGPIPE ends: `kdock logs | head` has nothing to complain about.
  } else if (known.code === "interrupted") {
    say(`kdock: ${known.message}`);
  } else {
    say(`error: ${known.message}${known.hint === undefined ? "" : `\n→ ${known.hint}`}`);
  }
  return exitCode;
}
