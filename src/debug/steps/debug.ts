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
import { openTrigger, SETTLE_MS } from "./trigger.js";
import { requireNone, type RunningVm, runningVm } from "../../vm/steps/running-vm.js";

export interface DebugOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  readonly asked: Pick<DebugRequest, "stops" | "condition">;
  /** A shell command to run in the guest once the breakpoints are set. */
  readonly exec: string | undefined;
  /** Start a new VM, paused at its first instruction. */
  readonly boot: boolean;
  readonly bootTimeoutSeconds: number;
  /** Leave a VM running that this command started. */
  readonly keep: boolean;
  readonly gdbArguments: readonly string[];
}

/**
 * Runs gdb with breakpoints set, up to the first stop, where its prompt opens. Resolves with gdb's exit code; afterwards
 * the guest continues, or a VM that this call started is stopped. Rejects with a `usage` error for an unknown place,
 * before the guest is stopped.
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
      : "stopped the VM that this command started (--keep leaves it running)",
  });
}

async function debugIn(
  { project: { ctx, plan }, name, container }: RunningVm,
  { asked, exec, gdbArguments }: DebugOptions,
): Promise<number> {
  await using trigger = exec === undefined ? undefined : await openTrigger(ctx, container, exec);
  const request: DebugRequest = { ...asked, target: `127.0.0.1:${INSIDE.gdbPort}` };
  await using session = await openGdb(ctx, plan, {
    vm: name,
    gdbArguments: debugArguments(plan.gdb.scripts, gdbArguments),
    env: { ...terminalEnvironment(ctx.terminal), [DEBUG_VARIABLE]: JSON.stringify(request) },
    terminal: ctx.terminal.isInteractive,
  });
  const errors: z.infer<typeof FailedEvent>[] = [];
  let stopped = false;
  const onTriggerExit = async (exit: GuestExit) => {
    await sleep(SETTLE_MS, undefined, { ref: false });
    if (!stopped) await reportNoHit(ctx, session, `${exec ?? ""} ${exitText(exit)}`);
  };
  const onEvent = (event: DebugEvent) => {
    if (event.event === "armed") void trigger?.run().then(onTriggerExit);
    else if (event.event === "stopped") stopped = true;
    else errors.push(event);
  };
  const output = withoutEvents(session.stream, onEvent);
  const exitCode = await attachProgram(ctx, { ...session, output }, "quit\n");
  if (errors.length > 0) throw debuggerError(errors);
  return exitCode;
}

/** On a terminal the user decides whether to wait longer; without one gdb is interrupted, so that it reads its script on stdin. */
async function reportNoHit(ctx: Context, session: GdbSession, what: string): Promise<void> {
  const { isInteractive } = ctx.terminal;
  ctx.reporter.emit({
    type: "notice",
    text: `${what}, no breakpoint was hit${isInteractive ? "; Ctrl-C stops the guest and opens the prompt" : ""} (output: ${FOLDER.execLog})`,
  });
  // gdb may have ended meanwhile.
  if (!isInteractive) await session.interrupt().catch(() => undefined);
}

function exitText(exit: GuestExit): string {
  return exit.kind === "exited"
    ? `exited with code ${exit.code}`
    : `was ended by signal ${exit.signal}`;
}
