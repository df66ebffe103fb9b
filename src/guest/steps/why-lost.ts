import { setTimeout as sleep } from "node:timers/promises";
import { KdockError } from "../../core/errors.js";
import { CONSOLE_BEGINS, CONSOLE_GOES_ON, consoleState } from "../../vm/plan/console-state.js";
import { labels } from "../../core/plan/names.js";
import { panicOf, type VmEnd } from "../../vm/plan/vm-end.js";
import type { GuestVm } from "./find-guest.js";
import type { GuestContext } from "./guest-context.js";
import { linesOf } from "../../core/steps/lines.js";
import { AFTER_END, END_MS, vmEnded } from "../../vm/steps/unexpected-end.js";
import { vmEnd } from "../../vm/steps/vm-end.js";

const LOOK_EVERY_MS = 100;

/** Why the connection to the guest broke: how the VM ended if it has, else the error itself. */
export async function whyLost(ctx: GuestContext, vm: GuestVm, error: unknown): Promise<unknown> {
  // A bug of kdock's has nothing to do with the VM.
  if (!(error instanceof KdockError)) return error;
  const engine = await ctx.engine();
  const container = engine.container(vm.id);
  for (let waited = 0; waited < END_MS; waited += LOOK_EVERY_MS) {
    const [state] = await engine
      .listContainers(labels("vm", ctx.names.id))
      .then((all) => all.filter(({ id }) => id === vm.id));
    if (state === undefined) {
      return new KdockError("vm", "the VM was stopped and removed", { hint: AFTER_END });
    }
    if (!state.running) {
      const { exitCode } = await container.inspect();
      return ended(exitCode, await vmEnd(ctx, container), await lastLines(ctx, vm));
    }
    await sleep(LOOK_EVERY_MS);
    if (ctx.signal.aborted) return ctx.signal.reason;
  }
  return error;
}

function ended(exitCode: number, end: VmEnd | undefined, lines: readonly string[]): KdockError {
  const panic = panicOf(end, lines);
  if (panic !== undefined) {
    return new KdockError("vm", `the guest's kernel panicked: ${panic}`, {
      hint: "`kdock decode` prints its last words with source lines.",
    });
  }
  if (exitCode === 0) return switchedOff(end);
  // Without a record QEMU was never started: all that was said is the container's.
  const begin = end === undefined ? CONSOLE_BEGINS : CONSOLE_GOES_ON;
  return vmEnded(exitCode, consoleState(begin, lines), lines);
}

function switchedOff(end: VmEnd | undefined): KdockError {
  const what = end?.reason === "guest-reset" ? "rebooted, which ends the VM" : "was switched off";
  return new KdockError("vm", `the guest ${what}`, { hint: "`kdock run -d` starts it anew." });
}

const LAST_LINES = 200;
/** A longer line is cut: a guest may never end one. */
const MAX_LINE = 4096;

/** The end of what the guest said on its console. */
export async function lastLines(ctx: GuestContext, vm: GuestVm): Promise<string[]> {
  const engine = await ctx.engine();
  const options = { follow: false, tail: LAST_LINES, signal: ctx.signal };
  const logs = await engine.container(vm.id).logs(options);
  const lines: string[] = [];
  for await (const line of linesOf(logs, MAX_LINE)) {
    lines.push(line);
    if (lines.length > LAST_LINES) lines.shift();
  }
  return lines;
}
