import { packTar } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { debugInfoProblem, type DecodeReport, readDecodeReport } from "../plan/decode-report.js";
import { decodeContainer } from "../../build/plan/debugger-plan.js";
import { belowInput, FOLDER, INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { EVENT_PREFIX } from "../../core/plan/build-log.js";
import { readKernelConfig } from "../../core/steps/artifact-store.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { moduleInputs } from "../../build/steps/module-store.js";
import { DECODE_EXIT } from "../../core/plan/script-exits.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep } from "../../core/steps/run-step.js";
import { ensureSymbols } from "./symbols.js";

/** A log with source lines, and what became of its places. */
export interface DecodedLog {
  readonly lines: readonly string[];
  readonly report: DecodeReport;
}

/**
 * A kernel's log with source lines in the place of addresses: one line for each function, inlined ones too. The kernel
 * is the one whose artifacts have this key. Rejects with a `usage` error when they are gone, and with a `config` error
 * when they hold no debug information.
 */
export async function decodeLog(
  ctx: Context,
  plan: Plan,
  kernelKey: string,
  log: readonly string[],
): Promise<DecodedLog> {
  await requireDebugInfo(ctx, kernelKey);
  await ensureImage(ctx, plan.gdbImage, { noCache: false });
  const modules = await moduleInputs(ctx, kernelKey);
  await using _mutex = await projectMutex(ctx);
  for (;;) {
    const symbols = await ensureSymbols(ctx, plan, kernelKey);
    const decoded = await runStep(ctx, "decode", "source lines for the kernel's log", async () => {
      const lines: string[] = [];
      const said: string[] = [];
      const spec = decodeContainer(plan.names, plan.gdbImage, symbols);
      const exitCode = await runContainer(ctx, spec, {
        prepare: (container) =>
          container.putArchive(INSIDE.input, packTar([logFile(log), ...modules])),
        onLine: (line) => {
          if (line.startsWith(EVENT_PREFIX)) lines.push(line.slice(EVENT_PREFIX.length));
          else said.push(line);
        },
      });
      if (exitCode !== 0 && exitCode !== DECODE_EXIT.notWhole) throw failed(exitCode, said);
      return { value: exitCode === 0 ? decodedLog(lines) : undefined, cached: false };
    });
    if (decoded !== undefined) return decoded;
    await (await ctx.engine()).removeVolume(symbols.name);
  }
}

/** Without it gdb knows functions and no source line of theirs. */
async function requireDebugInfo(ctx: Context, kernelKey: string): Promise<void> {
  const config = await readKernelConfig(ctx, kernelKey);
  const problem = config === undefined ? undefined : debugInfoProblem(config);
  if (problem === undefined) return;
  throw new KdockError("config", `this kernel (${kernelKey}) ${problem.message}`, {
    hint: problem.hint,
  });
}

function decodedLog(lines: readonly string[]): DecodedLog {
  return { lines: lines.slice(0, -1), report: readDecodeReport(lines.at(-1) ?? "") };
}

function logFile(log: readonly string[]) {
  const path = belowInput(INSIDE.decodeLog);
  const content = Buffer.from(log.map((line) => `${line}\n`).join(""));
  return { path, kind: "file", mode: 0o644, content } as const;
}

function failed(exitCode: number, said: readonly string[]): KdockError {
  const last = said.slice(-5).map((line) => `\n  ${line}`);
  return new KdockError("vm", `gdb could not decode (exit code ${exitCode})${last.join("")}`, {
    hint: `The log is whole in ${FOLDER.logs}.`,
  });
}
