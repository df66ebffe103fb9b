import type { Readable } from "node:stream";
import type { Container } from "../engine/engine.js";
import type { GuestExit } from "../guest/session.js";
import { FOLDER } from "../plan/names.js";
import { type Context, inProject } from "./context.js";
import { openPromptly } from "./guest-channel.js";
import { linesOf } from "./lines.js";

/** A shell command that waits to be run in the guest. Disposing of it hangs up, and ends the command with it. */
export interface Provocation extends AsyncDisposable {
  /** How it ended; never settles when the guest goes away first, or nobody runs it. */
  readonly ended: Promise<GuestExit>;
  /** Runs it, once; what it writes goes to .kdock/logs/exec.log, because a debugger has the screen. */
  start(): void;
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
  let started = false;
  let end: (exit: GuestExit) => void = () => undefined;
  const ended = new Promise<GuestExit>((resolve) => (end = resolve));
  const write = async (stream: Readable) => {
    for await (const line of linesOf(stream)) log.write(line);
  };
  return {
    ended,
    start() {
      if (started) return;
      started = true;
      log.write(`$ ${command}`);
      const running = session.exec({ argv: ["sh", "-c", command], env: {}, cwd: "" });
      running.stdin.end();
      // The guest may be stopped, or gone, when the debugger is done with it: nobody waits for the command.
      for (const done of [write(running.stdout), write(running.stderr), running.exit.then(end)])
        done.catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      await hangUp();
      await log[Symbol.asyncDispose]();
    },
  };
}
