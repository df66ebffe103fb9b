import type { Container } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { panicReport } from "../plan/console-log.js";
import { FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { VmFacts } from "../plan/vm-facts.js";
import { saveConsole, type VmConsole } from "./console-log.js";
import type { Context } from "../../core/steps/context.js";
import { decodeLog } from "./decode.js";
import { takePanicDump } from "./panic-dump.js";

/** More is for `kdock decode`. */
const MAX_LINES = 100;

/**
 * What to tell about a VM's end, or about whatever its end broke off: where the kernel panicked, its own report with
 * source lines, else the error itself. The console is kept in any case, and the memory where that was asked for.
 */
export async function explainEnd(
  ctx: Context,
  plan: Plan,
  { container, facts }: { readonly container: Container; readonly facts: VmFacts },
  error: unknown,
): Promise<unknown> {
  if (ctx.signal.aborted) return error;
  try {
    const said = await saveConsole(ctx, container, facts);
    if (said.panic === undefined) return error;
    const dump = await takePanicDump(ctx, container, facts);
    return await panicError(ctx, plan, said, dump);
  } catch {
    // The engine is gone, or Ctrl-C came: the first error is the better one.
    return error;
  }
}

/** The error that tells of a VM's panic, and of the file with the guest's memory, if there is one. */
export async function panicError(
  ctx: Context,
  plan: Plan,
  { lines, kernelKey, panic = "" }: VmConsole,
  dump: string | undefined,
): Promise<KdockError> {
  const report = panicReport(lines);
  const decoded = await decodedOrNot(ctx, plan, kernelKey, report);
  const told = decoded.slice(0, MAX_LINES).map((line) => `\n  | ${line}`);
  if (decoded.length > MAX_LINES) told.push(`\n  | ... (${decoded.length - MAX_LINES} more)`);
  if (dump !== undefined) told.push(`\nthe guest's memory: ${dump}`);
  return new KdockError("vm", `the guest's kernel panicked: ${panic}${told.join("")}`, {
    hint:
      "With `kdock gdb` at the VM a panic stops there. " +
      `The whole console is in ${FOLDER.logs}; \`kdock decode\` prints it with source lines.`,
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
    return (await decodeLog(ctx, plan, kernelKey, report)).lines;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const text = `the trace has no source lines: ${messageOf(error)}`;
    ctx.reporter.emit({ type: "warning", text });
    return report;
  }
}
