import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "../../build/plan/plan.js";
import { watchConsole } from "./console-tail.js";
import type { Context } from "../../core/steps/context.js";
import { explainEnd } from "./panic.js";
import { hasFiles, WRITE_MS } from "./power-off.js";
import type { StartedVm } from "./start-vm.js";
import { startVm, type VmOrder } from "./start-vms.js";
import { unexpectedEnd } from "./unexpected-end.js";
import { whenReady } from "./when-ready.js";

/** The guest is given this long to power off by itself before its container is removed. */
const POWER_OFF_MS = 3000;

/** Where a command's output goes, and what it reads; undefined for nothing. */
export interface CommandStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable | undefined;
}

export interface CommandOptions {
  readonly bootTimeoutSeconds: number;
  /** Without: kdock's own. */
  readonly streams?: CommandStreams;
  /** Told when the guest is ready: milliseconds since its power-on, by its own clock. */
  readonly onReady?: (bootMs: number) => void;
}

export interface CommandEnd {
  /** 128 + N for signal N. */
  readonly exitCode: number;
  /** Why it could not be run; undefined for one that was. */
  readonly problem: string | undefined;
  /** Milliseconds from the guest's power-on until it was ready, by its own clock. */
  readonly bootMs: number;
  /** Milliseconds that the command took. */
  readonly commandMs: number;
}

/** Boots, runs one command in the guest, powers off. */
export async function runCommand(
  ctx: Context,
  plan: Plan,
  vm: VmOrder,
  argv: readonly [string, ...string[]],
  how: CommandOptions,
): Promise<CommandEnd> {
  await using started = await startVm(ctx, plan, vm);
  try {
    return await commandIn(ctx, started, argv, how);
  } catch (error) {
    throw await explainEnd(ctx, plan, started, error);
  }
}

async function commandIn(
  ctx: Context,
  started: StartedVm,
  argv: readonly [string, ...string[]],
  { bootTimeoutSeconds, onReady, streams: { stdout, stderr, stdin } = ctx }: CommandOptions,
): Promise<CommandEnd> {
  const tail = watchConsole(started.console, (text) => {
    ctx.reporter.emit({ type: "notice", text });
  });
  await using session = await whenReady(ctx, started, tail, bootTimeoutSeconds);
  const bootMs = session.hello.uptimeMs;
  onReady?.(bootMs);
  const startedAt = ctx.host.now();
  const command = session.exec({ argv, env: {}, cwd: "" });
  const ended = unexpectedEnd(started, tail);

  // The screen is the command's from here on, unless its output goes elsewhere.
  if (stdout === ctx.stdout) ctx.reporter.pause();
  const talk = Promise.all([
    command.exit,
    pipeline(command.stdout, stdout, { end: false, signal: ctx.signal }),
    pipeline(command.stderr, stderr, { end: false, signal: ctx.signal }),
  ]);
  // stdin ends when it ends; nobody waits for it, because the command may not read it.
  if (stdin === undefined) command.stdin.end();
  else pipeline(stdin, command.stdin, { signal: ctx.signal }).catch(() => undefined);
  try {
    const [exit] = await Promise.race([talk, ended]);
    const commandMs = ctx.host.now() - startedAt;
    session.powerOff();
    const patience = hasFiles(started.facts) ? WRITE_MS : POWER_OFF_MS;
    await Promise.race([started.exit, sleep(patience, undefined, { ref: false })]);
    return exit.kind === "exited"
      ? { exitCode: exit.code, problem: problemOf(exit.error, argv), bootMs, commandMs }
      : { exitCode: 128 + exit.signal, problem: undefined, bootMs, commandMs };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw error;
  }
}

/** A whole shell line given as one word is the name of a program that nobody has. */
function problemOf(error: string | undefined, argv: readonly string[]): string | undefined {
  const isLine = argv.length === 1 && /[\s;|&<>$]/.test(argv[0] ?? "");
  if (error === undefined || !isLine) return error;
  return `${error} (one word is one program: -- sh -c '...' has a shell read it)`;
}
