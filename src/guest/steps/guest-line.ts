import { setImmediate as turn } from "node:timers/promises";
import { KdockError } from "../../core/errors.js";
import type { GuestSession } from "../../vm/agent/session.js";
import { onAbort } from "../../core/on-abort.js";
import type { GuestCall } from "./dial-guest.js";
import { greetGuest } from "../../vm/steps/guest-channel.js";
import type { GuestContext } from "./guest-context.js";
import { lastLines, whyLost } from "./guest-vm.js";
import { Standstill } from "./standstill.js";

/** A conversation with a guest that runs. Disposing of it hangs up, which ends its commands. */
export interface GuestLine extends AsyncDisposable {
  readonly session: GuestSession;
  /** What to tell of a failure: why the conversation broke off where it did, else the failure itself. */
  explain(error: unknown): Promise<unknown>;
}

/** An agent that was not expected answers at once, or is not there. */
const NO_AGENT_SECONDS = 3;

/** A guest that runs answers in milliseconds; one that boots is worth a word. */
const WORD_MS = 2000;

/**
 * Resolves when the guest answers. One that boots is waited for, `timeoutSeconds` at most; one that a debugger has
 * stopped for as long as it takes, which is said. An interrupt ends the waiting, and nothing later.
 */
export async function openGuestLine(
  ctx: GuestContext,
  { vm, connection, giveUp }: GuestCall,
  bootTimeoutSeconds: number,
  say: (text: string) => void,
): Promise<GuestLine> {
  const timeoutSeconds =
    vm.noAgent === undefined ? bootTimeoutSeconds : Math.min(bootTimeoutSeconds, NO_AGENT_SECONDS);
  using _interrupt = onAbort(ctx.signal, () => {
    giveUp.abort(ctx.signal.reason);
  });
  const word = setTimeout(() => {
    if (!still.stands) say(`waiting for the guest to be ready, ${timeoutSeconds} s at most`);
  }, WORD_MS);
  let late = setTimeout(expire, timeoutSeconds * 1000);
  function expire() {
    giveUp.abort(new KdockError("vm", NOT_READY));
  }
  const still = new Standstill(say, (stands) => {
    clearTimeout(late);
    if (!stands) late = setTimeout(expire, timeoutSeconds * 1000);
  });
  try {
    const channel = await greetGuest(await connection, {
      signal: giveUp.signal,
      onState(state) {
        if (state === PANICKED) giveUp.abort(panicked());
        else still.see(state);
      },
    });
    still.settle();
    let isLost = false;
    void channel.session.closed.then(() => (isLost = true));
    return {
      session: channel.session,
      async explain(error) {
        // Whoever waited for a command may hear of the end before we do.
        await turn();
        if (giveUp.signal.aborted) return giveUp.signal.reason as Error;
        return ctx.signal.aborted || isLost ? await whyLost(ctx, vm, error) : error;
      },
      async [Symbol.asyncDispose]() {
        still[Symbol.dispose]();
        await channel[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    still[Symbol.dispose]();
    if (error instanceof KdockError && error.message === NOT_READY) {
      if (vm.noAgent !== undefined) throw withoutAgent(vm.noAgent);
      throw notReady(timeoutSeconds, await lastLines(ctx, vm));
    }
    throw giveUp.signal.aborted ? error : await whyLost(ctx, vm, error);
  } finally {
    clearTimeout(word);
    clearTimeout(late);
  }
}

/** Has `talk` speak with a guest that runs; Ctrl-C hangs up. Rejects with why the conversation broke off, where it did. */
export async function overGuestLine<T>(
  ctx: GuestContext,
  call: GuestCall,
  timeoutSeconds: number,
  talk: (session: GuestSession) => Promise<T>,
): Promise<T> {
  const say = (text: string) => {
    ctx.reporter.emit({ type: "notice", text });
  };
  await using line = await openGuestLine(ctx, call, timeoutSeconds, say);
  using _interrupt = onAbort(ctx.signal, () => {
    line.session.close();
  });
  try {
    ctx.signal.throwIfAborted();
    return await talk(line.session);
  } catch (error) {
    throw await line.explain(error);
  }
}

/** QEMU's word for a machine that is kept after a panic, to be looked at. */
const PANICKED = "guest-panicked";

function panicked(): KdockError {
  return new KdockError("vm", "the guest's kernel has panicked", {
    hint: "`kdock logs` shows why; `kdock stop` and `kdock run` start it anew.",
  });
}

function withoutAgent(why: string): KdockError {
  return new KdockError("vm", `no agent answers in the guest: ${why}`, {
    hint: "`kdock console` joins its console.",
  });
}

const NOT_READY = "the guest was not ready in time";

/** The agent says on the console why it cannot serve: a kernel without virtio-serial, for one. */
function notReady(seconds: number, lines: readonly string[]): KdockError {
  const complaint = lines.findLast((line) => line.includes("kdock-agent:"));
  const why = complaint === undefined ? "" : `; it said: ${complaint.trim()}`;
  return new KdockError("vm", `the guest did not answer in ${seconds} s${why}`, {
    hint: "`kdock logs` has its console; --boot-timeout gives it longer.",
  });
}
