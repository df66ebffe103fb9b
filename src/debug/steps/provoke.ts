import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import type { GuestExit } from "../../vm/agent/command.js";
import { FOLDER } from "../../core/plan/names.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { openGuestSession } from "../../vm/steps/guest-session.js";
import { logLines } from "../../core/steps/lines.js";

/** What a command does that has just ended may still be on its way to the place that is waited for. */
export const SETTLE_MS = 1000;

/** A guest that runs answers at once; the limit is for a machine under load. */
const ANSWER_MS = 30_000;

/** A shell command that waits to be run in the guest. Disposing of it closes its session, and ends the command with it. */
export interface Provocation extends AsyncDisposable {
  /**
   * Runs it, as often as it is called; what it writes goes to .kdock/logs/exec.log, because a debugger has the screen.
   * Resolves with how it ended; never, when the guest goes away first.
   */
  run(): Promise<GuestExit>;
}

/**
 * Opens the session while the guest still runs: a paused one does not answer. A command that is sent to a paused guest
 * begins when it goes on.
 */
export async function provoke(
  ctx: Context,
  container: Container,
  command: string,
): Promise<Provocation> {
  const limit = { ms: ANSWER_MS, error: noAnswer };
  const session = await openGuestSession(container, { signal: ctx.signal, limit });
  const log = ctx.host.files.openLog(inProject(ctx, FOLDER.execLog));
  return {
    run() {
      log.write(`$ ${command}`);
      const running = session.exec({ argv: ["sh", "-c", command], env: {}, cwd: "" });
      running.stdin.end();
      return new Promise((end) => {
        // The guest may be stopped, or gone, when the debugger is done with it: nobody waits for the command.
        for (const done of [
          logLines(running.stdout, log),
          logLines(running.stderr, log),
          running.exit.then(end),
        ])
          done.catch(() => undefined);
      });
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

function noAnswer(): KdockError {
  return new KdockError("vm", "the guest does not answer", {
    hint: "Is it paused, or does it stand at a breakpoint? `kdock gdb -- -batch` lets it go on.",
  });
}
