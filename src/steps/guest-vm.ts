import { setTimeout as sleep } from "node:timers/promises";
import { KdockError } from "../errors.js";
import { panicReason } from "../plan/console-log.js";
import { labels } from "../plan/names.js";
import type { GuestVm } from "./dial-guest.js";
import type { GuestContext } from "./guest-context.js";
import { END_MS, vmEnded } from "./guest-channel.js";
import { linesOf } from "./lines.js";

const LOOK_EVERY_MS = 100;

/** Why the conversation with the guest broke off: the VM's end where it has ended, else the error itself. */
export async function whyLost(ctx: GuestContext, vm: GuestVm, error: unknown): Promise<unknown> {
  if (ctx.signal.aborted) return ctx.signal.reason;
  // A fault of ours, and what somebody typed, have nothing to do with it.
  if (!(error instanceof KdockError) || error.code === "usage") return error;
  const engine = await ctx.engine();
  const container = engine.container(vm.id);
  for (let waited = 0; waited < END_MS; waited += LOOK_EVERY_MS) {
    const [state] = await engine
      .listContainers(labels("vm", ctx.names.id))
      .then((all) => all.filter(({ id }) => id === vm.id));
    if (state === undefined) return new KdockError("vm", "the VM was stopped and removed");
    if (!state.running) {
      const { exitCode } = await container.inspect();
      const lines = await lastLines(ctx, vm);
      return panickedEnd(lines) ?? (exitCode === 0 ? switchedOff(lines) : vmEnded(exitCode, lines));
    }
    await sleep(LOOK_EVERY_MS);
  }
  return error;
}

function panickedEnd(lines: readonly string[]): KdockError | undefined {
  const reason = panicReason(lines);
  if (reason === undefined) return undefined;
  return new KdockError("vm", `the guest's kernel panicked: ${reason}`, {
    hint: "`kdock decode` prints its last words with source lines.",
  });
}

function switchedOff(lines: readonly string[]): KdockError {
  const rebooted = lines.some((line) => line.includes("reboot: Restarting system"));
  const what = rebooted ? "rebooted, which ends the VM" : "was switched off";
  return new KdockError("vm", `the guest ${what}`, { hint: "`kdock run -d` starts it anew." });
}

const LAST_LINES = 200;

/** The end of what the guest said on its console. */
export async function lastLines(ctx: GuestContext, vm: GuestVm): Promise<string[]> {
  const engine = await ctx.engine();
  const options = { follow: false, tail: LAST_LINES, signal: ctx.signal };
  const logs = await engine.container(vm.id).logs(options);
  const lines: string[] = [];
  for await (const line of linesOf(logs)) lines.push(line);
  return lines;
}
