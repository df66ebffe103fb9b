import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { hostDebuggers } from "../plan/host-debuggers.js";
import type { Context } from "../../core/steps/context.js";

/** The first gdb of this machine that knows the architecture; undefined where none does. */
export async function hostDebugger(
  ctx: Pick<Context, "host" | "signal">,
  row: ArchitectureRow,
): Promise<string | undefined> {
  for (const program of hostDebuggers(row)) {
    if ((await ctx.host.which(program)) === undefined) continue;
    if (await knows(ctx, program, row.gdbArch)) return program;
  }
  return undefined;
}

async function knows(
  { host, signal }: Pick<Context, "host" | "signal">,
  program: string,
  architecture: string,
): Promise<boolean> {
  try {
    const commands = [`set architecture ${architecture}`, "show architecture"];
    const argv = [program, "-nx", "-batch", ...commands.flatMap((each) => ["-ex", each])];
    const told = await host.capture(argv, { signal, env: { LC_ALL: "C" } });
    return told.includes(architecture);
  } catch {
    signal.throwIfAborted();
    // It ends with 1 for a name that it does not know, or is none that can be run.
    return false;
  }
}
