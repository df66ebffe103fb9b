import { KdockError, messageOf } from "../../core/errors.js";
import { builtKernel } from "../../build/plan/built-kernels.js";
import type { MatrixResult, MatrixRow } from "../plan/matrix.js";
import { FOLDER } from "../../core/plan/names.js";
import { TARGETS } from "../../core/plan/choices.js";
import type { Project } from "../../build/project.js";
import { artifactFolder } from "../../core/steps/artifact-store.js";
import { build } from "../../build/steps/build.js";
import { checkMachines } from "../../vm/steps/machine.js";
import { stepLogFile } from "../../core/steps/run-step.js";
import { tryCommand, type Tried } from "./try-command.js";

/** Beside the project's own VMs, which may go on meanwhile. */
const VM = "matrix";

/** So much of what a command wrote is part of a report. */
const OUTPUT_LINES = 200;

export interface MatrixOptions {
  readonly command: readonly [string, ...string[]];
  readonly bootTimeoutSeconds: number;
  /** The project with the row's words; opened anew for each, because an earlier one may have added to the lock. */
  open(row: MatrixRow): Promise<Project>;
  onRow(result: MatrixResult): void;
}

export interface MatrixOutcome {
  readonly results: readonly MatrixResult[];
  /** Why it ended early: Ctrl-C. The rows so far are there, the one that was broken off as the last. */
  readonly interrupted: Error | undefined;
}

/**
 * Builds each row's kernel, boots it, runs the command, powers off. A row that fails does not keep the others from being
 * tried; `.kdock/out/current` and the project's own VMs stay as they are.
 */
export async function matrix(
  rows: readonly MatrixRow[],
  options: MatrixOptions,
): Promise<MatrixOutcome> {
  const results: MatrixResult[] = [];
  for (const [index, row] of rows.entries()) {
    const project = await options.open(row);
    const { signal, reporter } = project.ctx;
    const title = [row.flags.kernel, row.flags.preset, row.flags.arch].flatMap(
      (word) => word ?? [],
    );
    reporter.emit({ type: "notice", text: `${index + 1} of ${rows.length}: ${title.join(", ")}` });
    const { result, problem } = await runRow(project, row, options);
    results.push(result);
    options.onRow(result);
    if (signal.aborted) return { results, interrupted: signal.reason as Error };
    if (problem !== undefined && !(problem instanceof KdockError)) throw problem;
    if (result.verdict !== "ok" && result.message !== undefined) {
      reporter.emit({ type: "warning", text: `${result.kernel}: ${result.message}` });
    }
  }
  return { results, interrupted: undefined };
}

/** One row to its end, whatever that is; `problem` is what ended it early. */
async function runRow(
  project: Project,
  row: MatrixRow,
  options: MatrixOptions,
): Promise<{ result: MatrixResult; problem: Error | undefined }> {
  const { ctx, config } = project;
  let known: MatrixResult = {
    name: row.name,
    kernel: config.kernel.source,
    preset: config.kernel.preset,
    arch: config.kernel.arch,
    ...{ release: undefined, key: undefined, toolchain: undefined, cached: false },
    ...{ buildSeconds: undefined, buildCpuSeconds: undefined, imageBytes: undefined },
    ...{ bootMs: undefined, commandMs: undefined, exitCode: undefined },
    ...{ verdict: "build failed", message: undefined, output: [], logFile: undefined },
  };
  const learn = (more: Partial<MatrixResult>) => (known = { ...known, ...more });
  try {
    const ready = await builtRow(project, learn);
    learn({ verdict: "no boot" });
    await bootedRow(ready, row, options, learn);
    return { result: known, problem: undefined };
  } catch (error) {
    const verdict = ctx.signal.aborted ? "interrupted" : known.verdict;
    const message = ctx.signal.aborted ? undefined : messageOf(error);
    return { result: { ...known, verdict, message }, problem: error as Error };
  }
}

type Learn = (more: Partial<MatrixResult>) => unknown;

async function builtRow(project: Project, learn: Learn): Promise<Project> {
  const { ctx } = project;
  await checkMachines(project, [VM]);
  const startedAt = ctx.host.now();
  try {
    const how = { targets: TARGETS, noCache: false, frozen: false, aside: true };
    const { project: built, result } = await build(project, how);
    const manifest = result.manifests.kernel;
    if (manifest === undefined) return built;
    const path = `${artifactFolder(ctx, "kernel", manifest.key)}/${FOLDER.manifest}`;
    const builtAt = (await ctx.host.files.status(path))?.modified.getTime() ?? 0;
    const { release, key, toolchain, imageBytes, cost } = builtKernel(manifest, {
      builtAt,
      current: false,
    });
    learn({ release, key, toolchain, imageBytes, buildCpuSeconds: cost?.cpuSeconds });
    learn({ cached: builtAt < startedAt });
    return built;
  } finally {
    learn({ buildSeconds: Math.round((ctx.host.now() - startedAt) / 1000) });
  }
}

async function bootedRow(
  { ctx, plan, config }: Project,
  row: MatrixRow,
  { command, bootTimeoutSeconds }: MatrixOptions,
  learn: Learn,
): Promise<void> {
  const step = `matrix/${row.name}`;
  learn({ logFile: stepLogFile(ctx, step) });
  await tryCommand({ ctx, plan, config }, { vm: VM, step, command, bootTimeoutSeconds }, (known) =>
    learn({
      ...known,
      output: known.output.slice(-OUTPUT_LINES),
      verdict: verdictOf(known),
    }),
  );
}

function verdictOf({ bootMs, exitCode }: Tried): MatrixResult["verdict"] {
  if (bootMs === undefined) return "no boot";
  if (exitCode === undefined) return "vm ended";
  return exitCode === 0 ? "ok" : "failed";
}
