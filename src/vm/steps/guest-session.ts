import { INSIDE } from "../../core/plan/names.js";
import type { CanExec } from "../../engine/engine.js";
import type { GuestSession, SessionOptions } from "../agent/session.js";
import { isPaused } from "../plan/run-state.js";
import { connectInside } from "./connect-inside.js";

export interface AnswerLimit {
  readonly ms: number;
  /** What opening the session rejects with when the agent has not answered by then. */
  readonly error: () => Error | Promise<Error>;
  /** The limit begins anew when a guest that was paused runs again, and a paused one is waited for. */
  readonly waitsWhilePaused?: boolean;
}

export interface GuestSessionOptions extends SessionOptions {
  /** Without one the agent is waited for, however long the guest takes to boot. */
  readonly limit?: AnswerLimit;
}

/**
 * Connects to the agent of the guest in a VM's container; resolves when it answers. The one way to a guest: all sessions
 * come from here. `kdock exec` has to start within a tenth of a second, hence what speaks with the agent is loaded while
 * the engine connects.
 */
export async function openGuestSession(
  container: CanExec,
  { limit, ...options }: GuestSessionOptions,
): Promise<GuestSession> {
  using clock = new AnswerClock(limit);
  const signal = AbortSignal.any([options.signal, clock.expired]);
  const onState = (state: string) => {
    clock.update(state);
    options.onState?.(state);
  };
  try {
    const [{ stream }, { handshake }] = await Promise.all([
      connectInside(container, INSIDE.agentSocket, signal),
      import("../agent/session.js"),
    ]);
    return await handshake(stream, { ...options, signal, onState });
  } catch (error) {
    options.signal.throwIfAborted();
    if (limit !== undefined && clock.expired.aborted) throw await limit.error();
    throw options.explain === undefined ? error : await options.explain(error);
  }
}

/** Expires after the limit; never without one, or once it is disposed of. */
class AnswerClock implements Disposable {
  readonly #limit: AnswerLimit | undefined;
  readonly #expired = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isOver = false;

  constructor(limit: AnswerLimit | undefined) {
    this.#limit = limit;
    this.#start();
  }

  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  update(state: string): void {
    if (this.#limit?.waitsWhilePaused !== true || isPaused(state) === this.#isPaused) return;
    this.#isPaused = isPaused(state);
    clearTimeout(this.#timer);
    if (!this.#isPaused) this.#start();
  }

  #start(): void {
    if (this.#limit === undefined || this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#expired.abort();
    }, this.#limit.ms);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
