import { setTimeout as sleep } from "node:timers/promises";
import type { GuestSession } from "../../vm/agent/session.js";
import { askGuest } from "./guest-script.js";

/** Files of a kernel that have something to say say it at once. */
const SILENCE_MS = 3000;

/**
 * Calls `onSilence` whenever a guest that answers has sent nothing for some seconds; one that a debugger has stopped is waited
 * for. Runs until the signal is aborted.
 */
export async function watchSilence(
  session: GuestSession,
  bytes: () => number,
  signal: AbortSignal,
  onSilence: () => Promise<void>,
): Promise<void> {
  const stays = async () => {
    const before = bytes();
    await sleep(SILENCE_MS, undefined, { signal });
    return bytes() === before;
  };
  try {
    for (;;) {
      if (!(await stays())) continue;
      await askGuest(session, ":");
      // What it had to say before comes before the answer.
      if (await stays()) await onSilence();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
