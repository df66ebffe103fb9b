import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import type { GuestSession } from "../agent/session.js";
import { panicReason } from "../plan/console-log.js";
import type { ConsoleTail } from "./console-tail.js";
import type { Context } from "../../core/steps/context.js";
import { openGuestSession } from "./guest-session.js";
import { endedOr, unexpectedEnd, withTail } from "./unexpected-end.js";

/** For a console that lags behind the guest's agent; one of another /init than kdock's never says that it has booted. */
const CONSOLE_MS = 1000;

/** Waits for the guest with a limit; a VM that ends first, or hangs, is an error that shows the end of its console. */
export async function whenReady(
  ctx: Context,
  vm: { readonly container: Container; readonly exit: Promise<number> },
  tail: ConsoleTail,
  timeoutSeconds: number,
): Promise<GuestSession> {
  // Only a guest that never got ready is given up: an aborted signal would end its session at any later time too.
  const giveUp = new AbortController();
  const waiting = new AbortController();
  const ended = unexpectedEnd(vm, tail);
  tellOfWaiting(ctx, tail, timeoutSeconds, waiting.signal);
  const opened = openGuestSession(vm.container, {
    signal: AbortSignal.any([ctx.signal, giveUp.signal]),
    limit: { ms: timeoutSeconds * 1000, error: () => notReady(tail, timeoutSeconds) },
    explain: (error) => endedOr(ended, error),
  });
  opened.catch(() => undefined);
  try {
    const session = await Promise.race([opened, ended]);
    // What was said about init scripts on the console comes another way, and is to be told before the guest is ready.
    await Promise.race([tail.booted, sleep(CONSOLE_MS, undefined, { ref: false })]);
    return session;
  } catch (error) {
    giveUp.abort();
    ctx.signal.throwIfAborted();
    throw error;
  } finally {
    waiting.abort();
  }
}

function notReady(tail: ConsoleTail, seconds: number): KdockError {
  const script = tail.state().init.running?.script;
  const why = script === undefined ? "" : `: its init script ${script} has not ended`;
  const message = `the guest was not ready after ${seconds} s${why}`;
  return new KdockError("vm", withTail(message, tail.lines()), {
    hint: "Its console is above; --boot-timeout gives it longer.",
  });
}

/** When to report that a guest is not ready yet: after so many seconds, or at a part of its limit. */
const NOTICE_AFTER = [
  { seconds: 20, part: 1 / 2 },
  { seconds: 100, part: 3 / 4 },
];

/** Says what is waited for, while it is. */
function tellOfWaiting(
  ctx: Context,
  tail: ConsoleTail,
  timeoutSeconds: number,
  signal: AbortSignal,
): void {
  for (const { seconds, part } of NOTICE_AFTER) {
    const after = Math.min(seconds, Math.floor(timeoutSeconds * part));
    sleep(after * 1000, undefined, { signal, ref: false }).then(
      () => {
        const text = `the guest is not ready after ${after} s, and has ${timeoutSeconds} s: ${waitingFor(tail)}; \`kdock console\` joins its console`;
        ctx.reporter.emit({ type: "notice", text });
      },
      () => undefined,
    );
  }
}

function waitingFor(tail: ConsoleTail): string {
  const script = tail.state().init.running?.script;
  if (script !== undefined) return `its init script ${script} runs`;
  // Anybody in the guest may write that there: a reason to look, and none to end it.
  if (panicReason(tail.lines()) !== undefined) return "its console tells of a kernel panic";
  const last = tail.lines().findLast((line) => line.trim() !== "" && !line.startsWith("[kdock] "));
  return last === undefined
    ? "its console is silent"
    : `its console's last line is "${last.trim()}"`;
}
