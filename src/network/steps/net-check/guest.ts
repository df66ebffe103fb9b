import type { Container } from "../../../engine/engine.js";
import { KdockError, messageOf } from "../../../core/errors.js";
import type { GuestSession } from "../../../vm/agent/session.js";
import { type GuestFacts, GUEST_SCRIPT, parseGuestFacts } from "../../plan/net-check/facts.js";
import { parsePing, type Ping, PING_SCRIPT } from "../../plan/net-check/ping.js";
import type { GuestState } from "../../plan/net-check/scene.js";
import { isPaused, PANICKED, RUN_STATE } from "../../../vm/plan/run-state.js";
import { openGuestSession } from "../../../vm/steps/guest-session.js";
import { askGuest } from "../../../guest/steps/guest-script.js";

/** A guest that runs answers at once; the limit is for one that boots, or a machine under load. */
const ANSWER_MS = 10_000;
/** A debugger that stops the guest for less goes unnoticed. */
const PAUSE_MS = 1000;

/** A guest that is asked about its network. Disposing of it closes its session, which ends whatever still runs there. */
export interface AskedGuest extends AsyncDisposable {
  readonly session: GuestSession;
  /** Aborted, with the reason, when the guest is paused or is gone. */
  readonly signal: AbortSignal;
  readonly ms: number;
  readonly facts: GuestFacts;
}

/** A guest that cannot be asked: why, and what to do. */
export class SilentGuest extends Error {
  readonly state: Extract<GuestState, { kind: "silent" }>;

  constructor(why: string, mend: string) {
    super(why);
    this.state = { kind: "silent", why, mend };
  }
}

/** Rejects with a SilentGuest when it does not answer, or as soon as a debugger has stopped it. */
export async function askedGuest(
  container: Container,
  mac: string,
  signal: AbortSignal,
): Promise<AskedGuest> {
  const lost = new AbortController();
  const either = AbortSignal.any([signal, lost.signal]);
  let paused: NodeJS.Timeout | undefined;
  const onState = (state: string) => {
    clearTimeout(paused);
    const silent = silentIn(state);
    if (silent === undefined) return;
    paused = setTimeout(() => {
      lost.abort(silent);
    }, PAUSE_MS);
  };
  let session: GuestSession | undefined;
  try {
    const begun = performance.now();
    session = await openGuestSession(container, {
      ...{ signal: either, onState },
      limit: { ms: ANSWER_MS, error: noAnswer },
    });
    const ms = performance.now() - begun;
    const facts = parseGuestFacts((await askGuest(session, GUEST_SCRIPT, mac)).join("\n"));
    return {
      ...{ session, signal: either, ms, facts },
      async [Symbol.asyncDispose]() {
        clearTimeout(paused);
        await session?.[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    clearTimeout(paused);
    await session?.[Symbol.asyncDispose]();
    signal.throwIfAborted();
    throw silentBy(either, error);
  }
}

/** What a session that broke off means: the guest's silence where that is why. */
export function silentBy(signal: AbortSignal | undefined, error: unknown): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (!(error instanceof KdockError) || error.code !== "vm") return error;
  return new SilentGuest(messageOf(error), error.hint ?? "`kdock logs` has its console.");
}

function silentIn(state: string): SilentGuest | undefined {
  if (state === RUN_STATE.panicked) return new SilentGuest(PANICKED.message, PANICKED.hint);
  if (!isPaused(state)) return undefined;
  return new SilentGuest(
    `the guest is stopped by a debugger (QEMU calls it ${state}), and answers nobody`,
    "Let it go on: `continue` in the debugger, or `kdock gdb -- -batch` where none is there.",
  );
}

function noAnswer(): SilentGuest {
  return new SilentGuest(
    `the guest's agent did not answer in ${ANSWER_MS / 1000} s`,
    "Does it still boot? `kdock logs` has its console. A kernel without CONFIG_VIRTIO_CONSOLE has no agent to ask.",
  );
}

/** That a VM's guest is paused, in the words of `silentIn`; undefined when it runs or does not say in time. */
export async function standingOf(
  container: Container,
  signal: AbortSignal,
): Promise<string | undefined> {
  let state: string = RUN_STATE.running;
  const limit = { ms: PAUSE_MS * 2, error: noAnswer };
  try {
    await using _session = await openGuestSession(container, {
      ...{ signal, limit },
      onState: (each) => (state = each),
    });
  } catch {
    signal.throwIfAborted();
  }
  return silentIn(state)?.message;
}

/** Of the pings that one test sends: enough to see that some are lost. */
const PINGS = 3;

/** `ping` in the guest. */
export async function pingFrom(
  { session }: Pick<AskedGuest, "session">,
  to: string,
  options: readonly string[] = [],
): Promise<Ping> {
  const args = ["-c", String(PINGS), "-i", "0.2", "-W", "2", ...options, to];
  return parsePing((await askGuest(session, PING_SCRIPT, ...args)).join("\n"));
}
