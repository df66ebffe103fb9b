import { sessionArguments } from "../../build/plan/debugger-plan.js";
import type { Project } from "../../build/project.js";
import { attachProgram } from "../../core/steps/attach-program.js";
import { openGdb, terminalEnvironment } from "./gdb.js";

/** Runs gdb on the terminal, or with a script on stdin. Resolves with gdb's exit code; the guest continues afterwards. */
export async function runGdb(
  { ctx, plan }: Project,
  { vm, args }: { readonly vm: string | undefined; readonly args: readonly string[] },
): Promise<number> {
  await using session = await openGdb(ctx, plan, {
    vm,
    gdbArguments: [...sessionArguments(plan.gdb.scripts), ...args],
    env: terminalEnvironment(ctx.terminal),
    terminal: ctx.terminal.isInteractive,
  });
  return await attachProgram(ctx, session, "quit\n");
}
