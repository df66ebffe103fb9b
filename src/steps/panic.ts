import type { Container } from "../engine/engine.js";
import { KdockError, messageOf } from "../errors.js";
import { panicked, panicReason, panicReport } from "../plan/console-log.js";
import { FOLDER } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { saveConsole, type VmConsole } from "./console-log.js";
import type { Context } from "./context.js";
import { decodeLog } from "./decode.js";

/** More is for `kdock decode`. */
const MAX_LINES = 100;

/**
 * What to tell about a VM's end, or about whatever its end broke off: where the kernel panicked, its own report with
 * source lines, else the error itself. The console is kept in any case.
 */
export async function explainEnd(
  ctx: Context,
  plan: Plan,
  { container, kernelKey }: { readonly container: Container; readonly kernelKey: string },
  error: unknown,
): Promise<unknown> {
  if (ctx.signal.aborted) return error;
  try {
    const lines = await saveConsole(ctx, container.id, kernelKey);
    return panicked(lines) ? await panicError(ctx, plan, { lines, kernelKey }) : error;
  } catch {
    // The engine is gone, or Ctrl-C came: the first error is the better one.
    return error;
  }
}

/** The error that tells of the last panic on a console. */
export async function panicError(
  ctx: Context,
  plan: Plan,
  { lines, kernelKey }: VmConsole,
): Promise<KdockError> {
  const report = panicReport(lines);
  const decoded = await decodedOrNot(ctx, plan, kernelKey, report);
  const told = decoded.slice(0, MAX_LINES).map((line) => `\n  | ${line}`);
  if (decoded.length > MAX_LINES) told.push(`\n  | ... (${decoded.length - MAX_LINES} more)`);
  const reason = panicReason(lines) ?? "";
  return new KdockError("vm", `the guest's kernel panicked: ${reason}${told.join("")}`, {
    hint:
      "With `kdock gdb` at the VM a panic stops there. " +
      `The whole console is in ${FOLDER.consoleLog}; \`kdock decode\` prints it with source lines.`,
  });
}

/** A trace without source lines is better than none. */
async function decodedOrNot(
  ctx: Context,
  plan: Plan,
  kernelKey: string,
  report: readonly string[],
): Promise<readonly string[]> {
  try {
    return await decodeLog(ctx, plan, kernelKey, report);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const text = `the trace has no source lines: ${messageOf(error)}`;
    ctx.reporter.emit({ type: "warning", text });
    return report;
  }
}
