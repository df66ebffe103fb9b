import { KdockError } from "../../core/errors.js";
import { onAbort } from "../../core/on-abort.js";
import type { GuestSession } from "../../vm/agent/session.js";
import { PANICKED, RUN_STATE } from "../../vm/plan/run-state.js";
import { openGuestSession } from "../../vm/steps/guest-session.js";
import type { GuestVm } from "./find-guest.js";
import type { GuestContext } from "./guest-context.js";
import { PauseNotice } from "./pause-notice.js";

export interface Patience {
  readonly bootTimeoutSeconds: number;
  /** Gets what a person who waits is told; without it the reporter does. */
  readonly notify?: (text: string) => void;
  /** After the opening Ctrl-C is the caller's to handle; without this it ends the session at any time. */
  readonly handlesInterrupt?: boolean;
}

/** An agent that was not expected answers at once, or is not there. */
const NO_AGENT_SECONDS = 3;

/** A guest that runs answers in milliseconds: one that takes longer boots, which is told. */
const NOTICE_MS = 2000;

/**
 * Opens a session with a VM of the project. A guest that boots is waited for with a limit, a paused one as long as it
 * takes. When the guest goes away, commands reject with the reason: how the VM ended.
 */
export async function waitForGuest(
  ctx: GuestContext,
  vm: GuestVm,
  { bootTimeoutSeconds, handlesInterrupt = false, ...patience }: Patience,
): Promise<GuestSession> {
  const notify = patience.notify ?? reporterOf(ctx);
  const seconds =
    vm.noAgent === undefined ? bootTimeoutSeconds : Math.min(bootTimeoutSeconds, NO_AGENT_SECONDS);
  const giveUp = new AbortController();
  const pause = new PauseNotice(notify);
  const booting = setTimeout(() => {
    if (!pause.isPaused) notify(`waiting for the guest to be ready, ${seconds} s at most`);
  }, NOTICE_MS);
  const interrupt = onAbort(ctx.signal, () => {
    giveUp.abort(ctx.signal.reason);
  });
  const release = () => {
    pause[Symbol.dispose]();
    interrupt[Symbol.dispose]();
  };
  try {
    const session = await openGuestSession(vm.container, {
      signal: giveUp.signal,
      limit: {
        ms: seconds * 1000,
        waitsWhilePaused: true,
        error: () => notReady(ctx, vm, seconds),
      },
      onState(state) {
        if (state === RUN_STATE.panicked) giveUp.abort(panicked());
        else pause.update(state);
      },
      async explain(error) {
        const { whyLost } = await import("./why-lost.js");
        return await whyLost(ctx, vm, error);
      },
    });
    if (handlesInterrupt) interrupt[Symbol.dispose]();
    void session.closed.then(release);
    return session;
  } catch (error) {
    release();
    throw error;
  } finally {
    clearTimeout(booting);
  }
}

function reporterOf({ reporter }: GuestContext): (text: string) => void {
  return (text) => {
    reporter.emit({ type: "notice", text });
  };
}

function panicked(): KdockError {
  return new KdockError("vm", PANICKED.message, { hint: PANICKED.hint });
}

/** The agent says on the console why it cannot serve: a kernel without virtio-serial, for one. */
async function notReady(ctx: GuestContext, vm: GuestVm, seconds: number): Promise<KdockError> {
  if (vm.noAgent !== undefined) {
    return new KdockError("vm", `no agent answers in the guest: ${vm.noAgent}`, {
      hint: "`kdock console` joins its console.",
    });
  }
  const { lastLines } = await import("./why-lost.js");
  const lines = await lastLines(ctx, vm);
  const complaint = lines.findLast((line) => line.includes("kdock-agent:"));
  const why = complaint === undefined ? "" : `; it said: ${complaint.trim()}`;
  return new KdockError("vm", `the guest did not answer in ${seconds} s${why}`, {
    hint: "`kdock logs` has its console; --boot-timeout gives it longer.",
  });
}
