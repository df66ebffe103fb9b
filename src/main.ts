import { Command, CommanderError } from "commander";
import { createKdock } from "./app/kdock.js";
import type { Session } from "./core/session.js";
import { EXIT_CODES, exitCodeOf, KdockError } from "./core/errors.js";
import { flushOutput } from "./core/flush.js";
import { OutputError } from "./core/output-error.js";
import { commandsFor, defineProgram } from "./program.js";
import { redactUrls } from "./core/redact.js";
import type { Event, Reporter } from "./ui/reporter.js";
import { writeText } from "./ui/visible.js";
import type { GlobalFlags, World } from "./core/world.js";

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
