import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import type { GuestExit } from "../../vm/agent/command.js";
import {
  DEBUG_VARIABLE,
  debugArguments,
  type DebugEvent,
  type DebugRequest,
  withoutEvents,
} from "../plan/debug.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import type { FailedEvent } from "../plan/trap.js";
import { vmWordsUnlessDefault } from "../../core/vm-words.js";
import type { Project } from "../../build/project.js";
import { attachProgram } from "../../core/steps/attach-program.js";
import type { Context } from "../../core/steps/context.js";
import { debuggerError } from "./debugger-error.js";
import { type GdbSession, openGdb, terminalEnvironment } from "./gdb.js";
import { provoke, SETTLE_MS } from "./provoke.js";
import { requireNone, type RunningVm, runningVm } from "../../vm/steps/running-vm.js";

export interface DebugOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  readonly asked: Pick<DebugRequest, "stops" | "condition">;
  /** A shell command that is run in the guest once the breakpoints are set. */
  readonly exec: string | undefined;
  /** From the first instruction of a VM that is started for this. */
  readonly boot: boolean;
  readonly bootTimeoutSeconds: number;
  /** Leave a VM running that was started for this. */
  readonly keep: boolean;
  readonly gdbArguments: readonly string[];
}

/**
 * Stops where somebody asked for and gives them gdb's prompt. Resolves with gdb's exit code; the guest goes on, or is
 * ended when it was started for this. Rejects with a `usage` error for a place that is unknown, before the guest stops.
 */
export async function debug(project: Project, options: DebugOptions): Promise<number> {
  if (options.boot) await requireNone(project, options.vm);
  const vm = await runningVm(project, { ...options, paused: options.boot });
  try {
    return await debugIn(vm, options);
  } finally {
    if (vm.isOurs) await leave(vm, options);
  }
}

async function leave(vm: RunningVm, { keep }: DebugOptions): Promise<void> {
  const words = vmWordsUnlessDefault(vm.name);
  if (!keep) await vm.stop();
  vm.project.ctx.reporter.emit({
    type: "notice",
    text: keep
      ? `the VM keeps running (kdock console${words}, kdock stop${words})`
      : "the VM that was started for this is ended (--keep leaves it running)",
  });
}

async function debugIn(
  { project: { ctx, plan }, name, container }: RunningVm,
  { asked, exec, gdbArguments }: DebugOptions,
): Promise<number> {
  await using provoking = exec === undefined ? undefined : await provoke(ctx, container, exec);
  const request: DebugRequest = { ...asked, target: `127.0.0.1:${INSIDE.gdbPort}` };
  await using session = await openGdb(ctx, plan, {
    vm: name,
    gdbArguments: debugArguments(plan.gdb.scripts, gdbArguments),
    env: { ...terminalEnvironment(ctx.terminal), [DEBUG_VARIABLE]: JSON.stringify(request) },
    terminal: ctx.terminal.isInteractive,
  });
  const errors: z.infer<typeof FailedEvent>[] = [];
  let stopped = false;
  const onceProvoked = async (exit: GuestExit) => {
    await sleep(SETTLE_MS, undefined, { ref: false });
    if (!stopped) await tellMissed(ctx, session, `${exec ?? ""} ${endOf(exit)}`);
  };
  const onEvent = (event: DebugEvent) => {
    if (event.event === "armed") void provoking?.run().then(onceProvoked);
    else if (event.event === "stopped") stopped = true;
    else errors.push(event);
  };
  const output = withoutEvents(session.stream, onEvent);
  const exitCode = await attachProgram(ctx, { ...session, output }, "quit\n");
  if (errors.length > 0) throw debuggerError(errors);
  return exitCode;
}

/** A person decides whether to wait on; a script on stdin is read from here, by a gdb that has stopped the guest. */
async function tellMissed(ctx: Context, session: GdbSession, what: string): Promise<void> {
  const person = ctx.terminal.isInteractive;
  ctx.reporter.emit({
    type: "notice",
    text: `${what}, and nothing was hit${person ? "; Ctrl-C stops the guest and gives the prompt" : ""} (its output: ${FOLDER.execLog})`,
  });
  // A gdb that has ended meanwhile needs none.
  if (!person) await session.interrupt().catch(() => undefined);
}

function endOf(exit: GuestExit): string {
  return exit.kind === "exited"
    ? `has ended with exit code ${exit.code}`
    : `was ended by signal ${exit.signal}`;
}
