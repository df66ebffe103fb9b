import { Command, CommanderError } from "commander";
import { type App, createApp } from "./app.js";
import { buildCommand } from "./commands/build.js";
import { captureCommand } from "./commands/capture.js";
import { cleanCommand } from "./commands/clean.js";
import { composeCommand } from "./commands/compose.js";
import { consoleCommand } from "./commands/console.js";
import { crashCommand } from "./commands/crash.js";
import { dapCommand } from "./commands/dap.js";
import { debugCommand } from "./commands/debug.js";
import { diffCommand } from "./commands/diff.js";
import { doctorCommand } from "./commands/doctor.js";
import { cpCommand } from "./commands/cp.js";
import { execCommand } from "./commands/exec.js";
import { decodeCommand } from "./commands/decode.js";
import { drgnCommand } from "./commands/drgn.js";
import { dumpCommand } from "./commands/dump.js";
import { gdbCommand } from "./commands/gdb.js";
import { ideCommand } from "./commands/ide.js";
import { initCommand } from "./commands/init.js";
import { lockCommand } from "./commands/lock.js";
import { logsCommand } from "./commands/logs.js";
import { planCommand } from "./commands/plan.js";
import { psCommand } from "./commands/ps.js";
import { runCommand } from "./commands/run.js";
import { sbomCommand } from "./commands/sbom.js";
import { sourceCommand } from "./commands/source.js";
import { stopCommand } from "./commands/stop.js";
import { netCommand } from "./commands/net.js";
import { BUG_EXIT_CODE, EXIT_CODES, KdockError } from "./errors.js";
import { downCommand, upCommand } from "./commands/up.js";
import { verifyCommand } from "./commands/verify.js";
import { trapCommand } from "./commands/trap.js";
import type { Reporter } from "./ui/reporter.js";
import type { GlobalFlags, World } from "./world.js";

const COMMANDS = [
  initCommand,
  doctorCommand,
  planCommand,
  lockCommand,
  verifyCommand,
  diffCommand,
  sbomCommand,
  buildCommand,
  runCommand,
  upCommand,
  downCommand,
  psCommand,
  logsCommand,
  decodeCommand,
  consoleCommand,
  captureCommand,
  netCommand,
  execCommand,
  cpCommand,
  gdbCommand,
  debugCommand,
  dapCommand,
  trapCommand,
  dumpCommand,
  drgnCommand,
  crashCommand,
  stopCommand,
  cleanCommand,
  composeCommand,
  sourceCommand,
  ideCommand,
];

const EXAMPLES = `
Examples:
  kdock build && kdock run           build everything, boot, gdbserver on 127.0.0.1:1234
  kdock run -d --paused              in the background, stopped before the first instruction
  kdock run -- uname -r              run one command in a fresh guest
  kdock exec -it                     a shell in the running guest
  kdock trap tcp_v4_rcv --exec 'wget -q -O- http://10.0.3.1/' --bt
  kdock build --preset defconfig --set CONFIG_TCP_CONG_BBR=y

Exit codes: 0 ok, 1 build or VM failed, or verify, diff or net check found something, 2 usage or configuration, 3 environment or engine, 70 bug in kdock,
130 interrupted; with \`run -- command\` and \`exec\` the command's own.`;

/** Parses, runs one command, and turns whatever was thrown into text and an exit code. The only catch-all. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const program = new Command("kdock");
  const globals = () => program.opts<GlobalFlags>();
  // Which reporter it is depends on flags, and loading one takes longer than printing --help.
  let chosen: Reporter | undefined;
  const reporter: Reporter = {
    emit: (event) => chosen?.emit(event),
    pause: () => chosen?.pause(),
  };
  program.hook("preAction", async (_program, command) => {
    // The screen is the guest's from the first moment: nothing of ours may move on it.
    const canMove = command.name() !== "exec";
    chosen = await loadReporter(world, globals(), canMove);
  });
  const app = createApp(world, reporter, globals);
  define(program, app, world.version);
  try {
    await program.parseAsync(argv, { from: "user" });
    return app.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
    return report(world.signal.aborted ? world.signal.reason : error, world, reporter, globals());
  } finally {
    reporter.pause();
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

function define(program: Command, app: App, version: string): void {
  program
    .description("From nothing to a Linux kernel stopped at the line you care about.")
    .version(version)
    .option(
      "-c, --config <file>",
      "configuration file; its folder is the project (default: kdock.yaml)",
    )
    .option("--json", "one JSON event per line on stdout")
    .option("-v, --verbose", "show every line of the logs")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(see kdock --help)")
    .exitOverride();
  for (const make of COMMANDS) {
    const command = make(app);
    for (const each of [command, ...command.commands]) {
      each.exitOverride().showHelpAfterError("(--help lists what there is)");
    }
    program.addCommand(command);
  }
}

function report(error: unknown, world: World, reporter: Reporter, globals: GlobalFlags): number {
  reporter.pause();
  const known = error instanceof KdockError ? error : undefined;
  const exitCode = known === undefined ? BUG_EXIT_CODE : EXIT_CODES[known.code];
  if (globals.json === true) {
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
    world.stderr.write(
      `kdock: this is a bug in kdock; please report it with the lines below\n${stack}\n`,
    );
  } else if (known.code === "interrupted") {
    world.stderr.write(`kdock: ${known.message}\n`);
  } else {
    world.stderr.write(
      `error: ${known.message}\n${known.hint === undefined ? "" : `→ ${known.hint}\n`}`,
    );
  }
  return exitCode;
}
