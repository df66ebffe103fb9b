import type { Container } from "../../engine/engine.js";
import type { GuestExit } from "../../vm/agent/session.js";
import { FOLDER } from "../../core/plan/names.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { openPromptly } from "../../vm/steps/guest-channel.js";
import { logLines } from "../../core/steps/lines.js";

/** What a command does that has just ended may still be on its way to the place that is waited for. */
export const SETTLE_MS = 1000;

/** A shell command that waits to be run in the guest. Disposing of it hangs up, and ends the command with it. */
export interface Provocation extends AsyncDisposable {
  /**
   * Runs it, as often as it is called; what it writes goes to .kdock/logs/exec.log, because a debugger has the screen.
   * Resolves with how it ended; never, when the guest goes away first.
   */
  run(): Promise<GuestExit>;
}

/**
 * Opens the line to the guest while it still runs: once it stands at a breakpoint, it answers nobody. A command that is
 * sent to a guest that stands begins when it goes on.
 */
export async function provoke(
  ctx: Context,
  container: Container,
  command: string,
): Promise<Provocation> {
  const { session, [Symbol.asyncDispose]: hangUp } = await openPromptly(container, ctx.signal);
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
      await hangUp();
      await log[Symbol.asyncDispose]();
    },
  };
}
