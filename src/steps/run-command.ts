import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "../plan/plan.js";
import { watchConsole } from "./console-tail.js";
import type { Context } from "./context.js";
import { endedOr, unexpectedEnd, whenReady } from "./guest-channel.js";
import { explainEnd } from "./panic.js";
import { hasFiles, WRITE_MS } from "./power-off.js";
import { type StartedVm, startVm, type VmOrder } from "./start-vm.js";

/** The guest is given this long to power off by itself before its container is removed. */
const POWER_OFF_MS = 3000;

/** Boots, runs one command in the guest, powers off. Resolves with the command's exit code, 128 + N for signal N. */
export async function runCommand(
  ctx: Context,
  plan: Plan,
  vm: VmOrder,
  argv: readonly [string, ...string[]],
  bootTimeoutSeconds: number,
): Promise<number> {
  await using started = await startVm(ctx, plan, vm);
  try {
    return await commandIn(ctx, started, argv, bootTimeoutSeconds);
  } catch (error) {
    throw await explainEnd(ctx, plan, started, error);
  }
}

async function commandIn(
  ctx: Context,
  started: StartedVm,
  argv: readonly [string, ...string[]],
  bootTimeoutSeconds: number,
): Promise<number> {
  const tail = watchConsole(started.console, (text) => {
    ctx.reporter.emit({ type: "notice", text });
  });
  await using channel = await whenReady(ctx, started, tail, bootTimeoutSeconds);
  const command = channel.session.exec({ argv, env: {}, cwd: "" });
  const ended = unexpectedEnd(started, tail);

  ctx.reporter.pause();
  const talk = Promise.all([
    command.exit,
    pipeline(command.stdout, ctx.stdout, { end: false, signal: ctx.signal }),
    pipeline(command.stderr, ctx.stderr, { end: false, signal: ctx.signal }),
  ]);
  // stdin ends when it ends; nobody waits for it, because the command may not read it.
  if (ctx.stdin === undefined) command.stdin.end();
  else pipeline(ctx.stdin, command.stdin, { signal: ctx.signal }).catch(() => undefined);
  try {
    const [exit] = await Promise.race([
      talk.catch((error: unknown) => endedOr(ended, error)),
      ended,
    ]);
    channel.session.powerOff();
    const patience = hasFiles(started.facts) ? WRITE_MS : POWER_OFF_MS;
    await Promise.race([started.exit, sleep(patience, undefined, { ref: false })]);
    return exit.kind === "exited" ? exit.code : 128 + exit.signal;
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw error;
  }
}
