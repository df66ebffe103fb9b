import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { hostDebuggers } from "../plan/host-debuggers.js";
import type { Context } from "../../core/steps/context.js";

/** The host's first gdb that supports the architecture; undefined without one. */
export async function hostDebugger(
  ctx: Pick<Context, "host" | "signal">,
  row: ArchitectureRow,
): Promise<string | undefined> {
  for (const program of hostDebuggers(row)) {
    if ((await ctx.host.which(program)) === undefined) continue;
    if (await supports(ctx, program, row.gdbArch)) return program;
  }
  return undefined;
}

async function supports(
  { host, signal }: Pick<Context, "host" | "signal">,
  program: string,
  architecture: string,
): Promise<boolean> {
  try {
    const commands = [`set architecture ${architecture}`, "show architecture"];
    const argv = [program, "-nx", "-batch", ...commands.flatMap((each) => ["-ex", each])];
    const output = await host.capture(argv, { signal, env: { LC_ALL: "C" } });
    return output.includes(architecture);
  } catch {
    signal.throwIfAborted();
    // gdb exits with 1 for an unknown architecture, or the program cannot be run.
    return false;
  }
}
