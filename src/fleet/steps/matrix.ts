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

/** The VM's name; the project's VMs may run at the same time. */
const VM = "matrix";

/** Lines of a command's output in a report. */
const OUTPUT_LINES = 200;

export interface MatrixOptions {
  readonly command: readonly [string, ...string[]];
  readonly bootTimeoutSeconds: number;
  /** Opens the project with the row's flags; called per row, since an earlier row may have changed kdock.lock. */
  open(row: MatrixRow): Promise<Project>;
  onRow(result: MatrixResult): void;
}

export interface MatrixOutcome {
  readonly results: readonly MatrixResult[];
  /** The abort's reason, after Ctrl-C; `results` then ends with the interrupted row. */
  readonly interrupted: Error | undefined;
}

/**
 * For each row: builds the kernel, boots it, runs the command and powers off. After a failed row the next one is tried;
 * `.kdock/out/current` and the project's VMs are not changed.
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
      (value) => value ?? [],
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

/** Runs one row; `problem` is the error that ended it early. */
async function runRow(
  project: Project,
  row: MatrixRow,
  options: MatrixOptions,
): Promise<{ result: MatrixResult; problem: Error | undefined }> {
  const { ctx, config } = project;
  let result: MatrixResult = {
    name: row.name,
    kernel: config.kernel.source,
    preset: config.kernel.preset,
    arch: config.kernel.arch,
    ...{ release: undefined, key: undefined, toolchain: undefined, cached: false },
    ...{ buildSeconds: undefined, buildCpuSeconds: undefined, imageBytes: undefined },
    ...{ bootMs: undefined, commandMs: undefined, exitCode: undefined },
    ...{ verdict: "build failed", message: undefined, output: [], logFile: undefined },
  };
  const update: Update = (change) => (result = { ...result, ...change });
  try {
    const ready = await buildRow(project, update);
    update({ verdict: "no boot" });
    await bootRow(ready, row, options, update);
    return { result, problem: undefined };
  } catch (error) {
    const verdict = ctx.signal.aborted ? "interrupted" : result.verdict;
    const message = ctx.signal.aborted ? undefined : messageOf(error);
    return { result: { ...result, verdict, message }, problem: error as Error };
  }
}

type Update = (change: Partial<MatrixResult>) => unknown;

async function buildRow(project: Project, update: Update): Promise<Project> {
  const { ctx } = project;
  await checkMachines(project, [VM]);
  const startedAt = ctx.host.now();
  try {
    const options = { targets: TARGETS, noCache: false, frozen: false, aside: true };
    const { project: built, result } = await build(project, options);
    const manifest = result.manifests.kernel;
    if (manifest === undefined) return built;
    const path = `${artifactFolder(ctx, "kernel", manifest.key)}/${FOLDER.manifest}`;
    const builtAt = (await ctx.host.files.status(path))?.modified.getTime() ?? 0;
    const { release, key, toolchain, imageBytes, cost } = builtKernel(manifest, {
      builtAt,
      current: false,
    });
    update({ release, key, toolchain, imageBytes, buildCpuSeconds: cost?.cpuSeconds });
    update({ cached: builtAt < startedAt });
    return built;
  } finally {
    update({ buildSeconds: Math.round((ctx.host.now() - startedAt) / 1000) });
  }
}

async function bootRow(
  { ctx, plan, config }: Project,
  row: MatrixRow,
  { command, bootTimeoutSeconds }: MatrixOptions,
  update: Update,
): Promise<void> {
  const step = `matrix/${row.name}`;
  update({ logFile: stepLogFile(ctx, step) });
  await tryCommand({ ctx, plan, config }, { vm: VM, step, command, bootTimeoutSeconds }, (tried) =>
    update({
      ...tried,
      output: tried.output.slice(-OUTPUT_LINES),
      verdict: verdictOf(tried),
    }),
  );
}

function verdictOf({ bootMs, exitCode }: Tried): MatrixResult["verdict"] {
  if (bootMs === undefined) return "no boot";
  if (exitCode === undefined) return "vm ended";
  return exitCode === 0 ? "ok" : "failed";
}
