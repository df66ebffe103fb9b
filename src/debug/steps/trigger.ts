import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import type { GuestExit } from "../../vm/agent/command.js";
import { FOLDER } from "../../core/plan/names.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { openGuestSession } from "../../vm/steps/guest-session.js";
import { logLines } from "../../core/steps/lines.js";

/** The kernel may reach a stop some time after the command that causes it has ended. */
export const SETTLE_MS = 1000;

/** A running guest answers at once; the limit allows for a machine under load. */
const ANSWER_MS = 30_000;

/** A shell command for the guest, which causes hits. Disposing of it closes its session, and ends the command with it. */
export interface Trigger extends AsyncDisposable {
  /**
   * Runs the command, on every call; its output goes to .kdock/logs/exec.log, since the debugger uses the terminal.
   * Resolves when the command ends; never if the guest ends first.
   */
  run(): Promise<GuestExit>;
}

/**
 * Opens the session while the guest still runs: a paused one does not answer. A command that is sent to a paused guest
 * begins when it continues.
 */
export async function openTrigger(
  ctx: Context,
  container: Container,
  command: string,
): Promise<Trigger> {
  const limit = { ms: ANSWER_MS, error: noAnswer };
  const session = await openGuestSession(container, { signal: ctx.signal, limit });
  const log = ctx.host.files.openLog(inProject(ctx, FOLDER.execLog));
  return {
    run() {
      log.write(`$ ${command}`);
      const running = session.exec({ argv: ["sh", "-c", command], env: {}, cwd: "" });
      running.stdin.end();
      return new Promise((end) => {
        // The guest may be stopped or ended when the debugger exits; the command is abandoned then.
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
    hint: "If it is paused or stopped at a breakpoint, `kdock gdb -- -batch` resumes it.",
  });
}
