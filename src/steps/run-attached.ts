import { consoleLog } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import { type Context, inProject } from "./context.js";
import { panicked, vmEnded } from "./guest-channel.js";
import { type StartedVm, startVm, type VmOrder } from "./start-vm.js";

/** Boots with the console attached. A VM that is detached from goes on; one that ended is removed, its log kept. */
export async function runAttached(
  ctx: Context,
  plan: Plan,
  vm: VmOrder,
  onStarted: (started: StartedVm) => void,
): Promise<ConsoleEnd> {
  const started = await startVm(ctx, plan, vm);
  let keep = false;
  try {
    onStarted(started);
    const { end, tail } = await attachConsole(ctx, started.container, started.console);
    if (end === "detached") {
      keep = true;
      return end;
    }
    ctx.signal.throwIfAborted();
    const exitCode = await started.exit;
    await tail.ended;
    await saveConsole(ctx, started.container.id, vm.name);
    if (exitCode !== 0 || panicked(tail.lines())) throw vmEnded(exitCode, tail.lines());
    return end;
  } finally {
    if (keep) started.release();
    else await started[Symbol.asyncDispose]();
  }
}

/** The console outlives its container in .kdock/logs/console.log, or console-NAME.log of a VM that has one. */
export async function saveConsole(ctx: Context, id: string, vm: string): Promise<void> {
  const engine = await ctx.engine();
  const logs = await engine.container(id).logs({ follow: false, signal: ctx.signal });
  const chunks: Buffer[] = [];
  for await (const chunk of logs) chunks.push(chunk as Buffer);
  await ctx.host.files.writeAtomic(inProject(ctx, consoleLog(vm)), Buffer.concat(chunks));
}
