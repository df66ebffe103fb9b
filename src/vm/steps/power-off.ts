import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import type { VmFacts } from "../plan/vm-facts.js";
import { RUN_STATE } from "../plan/run-state.js";
import type { Context } from "../../core/steps/context.js";
import { openGuestSession } from "./guest-session.js";

/** A guest that runs answers at once; the limit is for a machine under load. */
const ANSWER_MS = 10_000;
/** To write out what it has kept in memory, under emulation and to a slow disk. */
export const WRITE_MS = 120_000;

/** Whether a guest has something to lose when its machine is switched off. */
export function hasFiles({ disks }: VmFacts): boolean {
  return disks.some((disk) => !disk.readOnly);
}

/**
 * Has a guest write out what its files are to hold, and switch itself off. One that cannot (it is stopped by a debugger, it
 * has panicked, it hangs) is left as it is, with a warning: it ends as a machine does that loses its power.
 */
export async function powerOffGently(
  ctx: Context,
  container: Container,
  facts: VmFacts,
): Promise<void> {
  if (!hasFiles(facts)) return;
  const giveUp = new AbortController();
  const signal = AbortSignal.any([ctx.signal, giveUp.signal]);
  const states: string[] = [];
  try {
    const exit = container.wait(signal);
    await using session = await openGuestSession(container, {
      signal,
      limit: { ms: ANSWER_MS, error: () => new Error("late") },
      onState(state) {
        states.push(state);
        if (state !== RUN_STATE.running) giveUp.abort();
      },
    });
    session.powerOff();
    const late = sleep(WRITE_MS, undefined, { ref: false }).then(() => {
      throw new Error("late");
    });
    await Promise.race([exit, late]);
  } catch {
    ctx.signal.throwIfAborted();
    if (states.at(-1) === RUN_STATE.prelaunch) return;
    const files = facts.disks.map((disk) => disk.path).join(", ");
    const text = `the guest ${facts.slot.name} could not write out its files: what it had only in memory is not in ${files}`;
    ctx.reporter.emit({ type: "warning", text });
  } finally {
    giveUp.abort();
  }
}
