import type { Plan } from "../../build/plan/plan.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import { saveConsole } from "./console-log.js";
import type { Context } from "../../core/steps/context.js";
import { explainEnd } from "./panic.js";
import { afterStart, type StartedVm } from "./start-vm.js";
import { startVm, type VmOrder } from "./start-vms.js";
import { vmEnded } from "./unexpected-end.js";

/** Boots with the console attached; `onStarted` is called when QEMU has started, before anything is shown. A VM that is detached from goes on; one that ended is removed, its log kept. */
export async function runAttached(
  ctx: Context,
  plan: Plan,
  vm: VmOrder,
  onStarted: (started: StartedVm) => void,
): Promise<ConsoleEnd> {
  const started = await startVm(ctx, plan, vm);
  let keep = false;
  try {
    const { end, tail } = await attachConsole(
      ...[ctx, started.container, started.console],
      async (state) => {
        onStarted(await afterStart(ctx, plan, started, state));
      },
    );
    if (end === "detached") {
      keep = true;
      return end;
    }
    ctx.signal.throwIfAborted();
    const exitCode = await started.exit;
    await tail.ended;
    const { panic } = await saveConsole(ctx, started.container, started.facts);
    const failed = panic !== undefined || tail.state().strict !== undefined;
    if (exitCode === 0 && !failed) return end;
    throw await explainEnd(ctx, plan, started, vmEnded(exitCode, tail.state(), tail.lines()));
  } finally {
    if (keep) started.release();
    else await started[Symbol.asyncDispose]();
  }
}
