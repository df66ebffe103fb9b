import { Command, CommanderError } from "commander";
import { type App, createApp } from "./app.js";
import { EXIT_CODES, exitCodeOf, KdockError } from "./errors.js";
import { flushOutput } from "./flush.js";
import { OutputError } from "./output-error.js";
import { redactUrls } from "./redact.js";
import type { Event, Reporter } from "./ui/reporter.js";
import { visible, writeText } from "./ui/visible.js";
import type { GlobalFlags, World } from "./world.js";

type MakeCommand = (app: App) => Command;

/** In the order in which --help has them. Each is loaded when it is asked for: all together take longer than most of them. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  init: () => import("./commands/init.js").then((module) => module.initCommand),
  doctor: () => import("./commands/doctor.js").then((module) => module.doctorCommand),
  plan: () => import("./commands/plan.js").then((module) => module.planCommand),
  lock: () => import("./commands/lock.js").then((module) => module.lockCommand),
  verify: () => import("./commands/verify.js").then((module) => module.verifyCommand),
  diff: () => import("./commands/diff.js").then((module) => module.diffCommand),
  sbom: () => import("./commands/sbom.js").then((module) => module.sbomCommand),
  config: () => import("./commands/config.js").then((module) => module.configCommand),
  build: () => import("./commands/build.js").then((module) => module.buildCommand),
  run: () => import("./commands/run.js").then((module) => module.runCommand),
  kernels: () => import("./commands/kernels.js").then((module) => module.kernelsCommand),
  matrix: () => import("./commands/matrix.js").then((module) => module.matrixCommand),
  bisect: () => import("./commands/bisect.js").then((module) => module.bisectCommand),
  up: () => import("./commands/up.js").then((module) => module.upCommand),
  down: () => import("./commands/up.js").then((module) => module.downCommand),
  ps: () => import("./commands/ps.js").then((module) => module.psCommand),
  logs: () => import("./commands/logs.js").then((module) => module.logsCommand),
  decode: () => import("./commands/decode.js").then((module) => module.decodeCommand),
  console: () => import("./commands/console.js").then((module) => module.consoleCommand),
  capture: () => import("./commands/capture.js").then((module) => module.captureCommand),
  net: () => import("./commands/net.js").then((module) => module.netCommand),
  exec: () => import("./commands/exec.js").then((module) => module.execCommand),
  cp: () => import("./commands/cp.js").then((module) => module.cpCommand),
  module: () => import("./commands/module.js").then((module) => module.moduleCommand),
  gdb: () => import("./commands/gdb.js").then((module) => module.gdbCommand),
  debug: () => import("./commands/debug.js").then((module) => module.debugCommand),
  dap: () => import("./commands/dap.js").then((module) => module.dapCommand),
  trap: () => import("./commands/trap.js").then((module) => module.trapCommand),
  dump: () => import("./commands/dump.js").then((module) => module.dumpCommand),
  drgn: () => import("./commands/drgn.js").then((module) => module.drgnCommand),
  crash: () => import("./commands/crash.js").then((module) => module.crashCommand),
  stop: () => import("./commands/stop.js").then((module) => module.stopCommand),
  clean: () => import("./commands/clean.js").then((module) => module.cleanCommand),
  compose: () => import("./commands/compose.js").then((module) => module.composeCommand),
  source: () => import("./commands/source.js").then((module) => module.sourceCommand),
  ide: () => import("./commands/ide.js").then((module) => module.ideCommand),
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

const EXAMPLES = `
Examples:
  kdock build && kdock run           build everything, boot, gdbserver on 127.0.0.1:1234
  kdock run -d --paused              in the background, stopped before the first instruction
  kdock run -- uname -r              run one command in a fresh guest
  kdock exec -it                     a shell in the running guest
  kdock trap tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/' --bt
  kdock build --preset defconfig --set CONFIG_TCP_CONG_BBR=y

Exit codes: 0 ok, 1 build or VM failed, or verify, diff, config diff or net check found something, 2 usage or configuration, 3 environment or engine, 70 bug in kdock,
130 interrupted by a signal, 141 nobody reads stdout or stderr any more; with \`run -- command\` and \`exec\` the command's own.`;

/** Parses, runs one command, and turns whatever was thrown into text and an exit code. The only catch-all. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const program = new Command("kdock");
  const globals = () => program.opts<GlobalFlags>();
  // Which reporter it is depends on flags, and loading one takes longer than printing --help.
  let chosen: Reporter | undefined;
  const reporter: Reporter = {
    emit: (event) => chosen?.emit(withoutPasswords(event)),
    pause: () => chosen?.pause(),
  };
  program.hook("preAction", async (_program, command) => {
    // The screen is the guest's from the first moment: nothing of ours may move on it.
    const canMove = command.name() !== "exec";
    chosen = await loadReporter(world, globals(), canMove);
  });
  const app = createApp(world, reporter, globals);
  define(program, world.version);
  for (const make of await commandsFor(argv)) addCommand(program, make(app));
  try {
    const exitCode = await parsed(program, argv, () => app.exitCode);
    await flushOutput(world);
    // Also for a command that a signal ends well, as it does `capture`.
    world.signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    return report(world.signal.aborted ? world.signal.reason : error, world, reporter, globals());
  } finally {
    reporter.pause();
  }
}

/** The program with every command, to read its help from. */
export async function kdockProgram(app: App): Promise<Command> {
  const program = new Command("kdock");
  define(program, "");
  for (const load of Object.values(COMMANDS)) addCommand(program, (await load())(app));
  return program;
}

/** Runs the command that is named. commander prints --help and what is wrong with the words by itself. */
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

async function loadReporter(
  world: World,
  globals: GlobalFlags,
  canMove: boolean,
): Promise<Reporter> {
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

/** The one that is called; all of them for kdock's own --help, and to tell what somebody may have meant. */
async function commandsFor(argv: readonly string[]): Promise<MakeCommand[]> {
  const at = argv.findIndex(
    (word, index) => !word.startsWith("-") && !TAKES_WORD.has(argv[index - 1] ?? ""),
  );
  const called = argv[at] ?? "";
  const isHelp = argv.slice(0, at).some((word) => word === "--help" || word === "-h");
  const load = Object.hasOwn(COMMANDS, called) && !isHelp ? COMMANDS[called] : undefined;
  const loads = load === undefined ? Object.values(COMMANDS) : [load];
  return Promise.all(loads.map((each) => each()));
}

/** Options of kdock itself whose value is the next word. */
const TAKES_WORD = new Set(["-c", "--config"]);

function define(program: Command, version: string): void {
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
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(see kdock --help)")
    .configureOutput(TEXT)
    .exitOverride();
}

/** commander's messages repeat words of the command line, which a script may have from anywhere. */
const TEXT = {
  outputError: (text: string, write: (text: string) => void) => {
    write(visible(text));
  },
};

function addCommand(program: Command, command: Command): void {
  for (const each of [command, ...command.commands]) {
    each.exitOverride().showHelpAfterError("(--help lists what there is)").configureOutput(TEXT);
  }
  program.addCommand(command);
}

/** What a guest wrote, and results, are no words of kdock's. */
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

function report(error: unknown, world: World, reporter: Reporter, globals: GlobalFlags): number {
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
