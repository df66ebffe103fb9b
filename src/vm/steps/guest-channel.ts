import { setTimeout as sleep } from "node:timers/promises";
import type { CanExec, Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { type GuestSession, openSession, type SessionOptions } from "../agent/session.js";
import type { ConsoleState } from "../plan/console-state.js";
import { panicReason } from "../plan/console-log.js";
import { failureText } from "../../build/plan/init-scripts.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import { START_EXIT } from "../../core/plan/script-exits.js";
import { type Connection, connectInside } from "./connect-inside.js";
import type { ConsoleTail } from "./console-tail.js";
import type { Context } from "../../core/steps/context.js";
import { hangUp } from "../../core/steps/hang-up.js";

/** A conversation with the agent in the guest; disposing of it hangs up. */
export interface GuestChannel extends AsyncDisposable {
  readonly session: GuestSession;
}

/** Connects to the agent's end in the VM container. Resolves when the guest has said that it is ready. */
export async function openGuestChannel(
  container: CanExec,
  signal: AbortSignal,
  onState: (state: string) => void = () => undefined,
): Promise<GuestChannel> {
  const connection = await connectInside(container, INSIDE.agentSocket, signal);
  return await greetGuest(connection, { signal, onState });
}

/** The same over a connection that is there. */
export async function greetGuest(
  { stream }: Connection,
  options: SessionOptions,
): Promise<GuestChannel> {
  try {
    const session = await openSession(stream, options);
    return {
      session,
      [Symbol.asyncDispose]: () => hangUp(stream),
    };
  } catch (error) {
    await hangUp(stream);
    throw error;
  }
}

/** A guest that runs answers at once; the limit is for a machine under load. */
const ANSWER_MS = 30_000;

/** The same for a guest that has booted: one that stands at a breakpoint, or that is paused, answers nobody. */
export async function openPromptly(
  container: Container,
  signal: AbortSignal,
): Promise<GuestChannel> {
  // Given up once it is open, the signal would end the session at any later time too.
  const giveUp = new AbortController();
  const timer = setTimeout(() => {
    giveUp.abort();
  }, ANSWER_MS);
  try {
    return await openGuestChannel(container, AbortSignal.any([signal, giveUp.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!giveUp.signal.aborted) throw error;
    throw new KdockError("vm", "the guest does not answer", {
      hint: "Is it paused, or does it stand at a breakpoint? `kdock gdb -- -batch` lets it go on.",
    });
  } finally {
    clearTimeout(timer);
  }
}

/** For a console that lags behind the guest's agent; one of another /init than kdock's never says that it has booted. */
const CONSOLE_MS = 1000;

/** Waits for the guest with a limit; a VM that ends first, or hangs, is an error that shows its last words. */
export async function whenReady(
  ctx: Context,
  vm: { readonly container: Container; readonly exit: Promise<number> },
  tail: ConsoleTail,
  timeoutSeconds: number,
): Promise<GuestChannel> {
  // Only a guest that never got ready is given up: an aborted signal would end its session at any later time too.
  const giveUp = new AbortController();
  const timer = new AbortController();
  const ended = unexpectedEnd(vm, tail);
  const late = sleep(timeoutSeconds * 1000, undefined, { signal: timer.signal }).then(() => {
    const script = tail.state().init.running?.script;
    const why = script === undefined ? "" : `: its init script ${script} has not ended`;
    throw new KdockError(
      "vm",
      withTail(`the guest was not ready after ${timeoutSeconds} s${why}`, tail.lines()),
      { hint: "Its console is above; --boot-timeout gives it longer." },
    );
  });
  tellOfWaiting(ctx, tail, timeoutSeconds, timer.signal);
  const opened = openGuestChannel(vm.container, AbortSignal.any([ctx.signal, giveUp.signal]));
  for (const loser of [late, opened]) loser.catch(() => undefined);
  try {
    const channel = await Promise.race([
      opened.catch((error: unknown) => endedOr(ended, error)),
      ended,
      late,
    ]);
    // What was said about init scripts on the console comes another way, and is to be told before the guest is ready.
    await Promise.race([tail.booted, sleep(CONSOLE_MS, undefined, { ref: false })]);
    return channel;
  } catch (error) {
    giveUp.abort();
    ctx.signal.throwIfAborted();
    throw error;
  } finally {
    timer.abort();
  }
}

/** When it is worth a word that a guest is not ready yet: after so many seconds, or parts of all that it is given. */
const WORD_AFTER = [
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
  for (const { seconds, part } of WORD_AFTER) {
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

/** Never resolves; rejects when the VM ends, which nobody asked it to. Safe to leave alone. */
export function unexpectedEnd(
  vm: { readonly exit: Promise<number> },
  tail: ConsoleTail,
): Promise<never> {
  const ended = vm.exit.then(async (exitCode) => {
    await tail.ended;
    throw vmEnded(exitCode, tail.state(), tail.lines());
  });
  ended.catch(() => undefined);
  return ended;
}

/**
 * A container that ends takes a moment to say so, on a busy machine several seconds; its end explains a broken connection
 * better than the break does.
 */
export const END_MS = 10_000;

/** Why the conversation with the guest broke off: the VM's end where it has ended, else the error itself. */
export async function endedOr(ended: Promise<never>, error: unknown): Promise<never> {
  await Promise.race([ended, sleep(END_MS, undefined, { ref: false })]);
  throw error;
}

/** The hint of errors for a VM that has ended unexpectedly. */
export const AFTER_END =
  "`kdock logs` shows its whole console, `kdock decode` with source lines; `kdock run -d` starts it anew.";

const TAIL_LINES = 15;

/** What a VM's end means when it was not expected. */
export function vmEnded(
  exitCode: number,
  { refusal, strict: failure }: ConsoleState,
  lines: readonly string[],
): KdockError {
  if (exitCode === START_EXIT.refused && refusal !== undefined) {
    return new KdockError("environment", refusal, {
      hint: "`kdock doctor` looks at this machine.",
    });
  }
  if (failure !== undefined) {
    return new KdockError("vm", `the boot ended: ${failureText(failure)}`, {
      hint: `Without rootfs.strict it would go on. The whole console is in ${FOLDER.logs}.`,
    });
  }
  return new KdockError("vm", withTail(`the VM ended (QEMU's exit code ${exitCode})`, lines), {
    hint: AFTER_END,
  });
}

function withTail(message: string, lines: readonly string[]): string {
  const told = lines.slice(-TAIL_LINES).map((line) => `  | ${line}`);
  return told.length === 0 ? message : `${message}; its console ended with\n${told.join("\n")}`;
}
