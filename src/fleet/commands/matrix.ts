import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { KdockError, CHECK_FAILED } from "../../core/errors.js";
import type { Context } from "../../core/steps/context.js";
import { type BootTimeoutFlag, bootTimeoutOf, bootTimeoutOption } from "../../app/flags.js";
import { addBuildFlags, addOwnFlags, addVmFlags } from "../../app/key-options.js";

interface MatrixFlags extends KeyFlags, BootTimeoutFlag {
  readonly kernels?: string[];
  readonly presets?: string[];
  readonly archs?: string[];
  readonly junit?: string;
}

const EXAMPLE = `
Every kernel is built if it is out of date, booted, and powered off when the command has ended. After a failure the others are
still tried, and the exit code is 1. The output of each command is in .kdock/logs/matrix.

Examples:
  kdock matrix -- uname -r
  kdock matrix --kernels 6.12 --presets tiny --archs x86_64,arm64,riscv64 -- uname -m
  kdock matrix --kernels 5.10,6.1,6.12 --presets debug,tiny --junit matrix.xml -- sh -c 'ip addr; ping -c 1 10.0.3.1'`;

export function define(kdock: Kdock): Command {
  const command = new Command("matrix")
    .description("build and boot several kernels, run a command on each; one table")
    .usage("[options] -- command...")
    .argument("[command...]", "run in each guest; 0 is success");
  addOwnFlags(command)
    .option("--junit <file>", "write a JUnit report, for CI services")
    .addOption(bootTimeoutOption());
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((argv: string[], flags: MatrixFlags) => runMatrix(kdock, argv, flags));
}

async function runMatrix(kdock: Kdock, argv: readonly string[], flags: MatrixFlags): Promise<void> {
  const bootTimeoutSeconds = bootTimeoutOf(flags);
  const { kernels = [], presets = [], archs = [], junit } = flags;
  const command = requireCommand(argv, flags);
  const { requestedRows } = await import("../plan/matrix.js");
  const { config, ctx } = await kdock.openLocked(flags);
  const rows = requestedRows({ kernels, presets, archs }, flags, config);
  // Invalid lists and an unwritable report are rejected before the first build.
  const report = junit === undefined ? undefined : await reportFile(ctx, kdock.resolve(junit));
  for (const row of rows) await kdock.open({ flags: { ...flags, ...row.flags } });
  const print = kdock.printer("matrix");
  const { matrix } = await import("../steps/matrix.js");
  const { results, interrupted } = await matrix(rows, {
    ...{ command, bootTimeoutSeconds },
    open: (row) => kdock.openLocked({ ...flags, ...row.flags }),
    onRow: (result) => {
      print.row(result);
    },
  });
  if (report !== undefined) {
    const { matrixJunit } = await import("../plan/matrix-report.js");
    await ctx.host.files.writeAtomic(report, matrixJunit(results, command.join(" ")));
  }
  const { matrixTable } = await import("../text/matrix-text.js");
  print.result({ rows: results }, matrixTable(results));
  if (interrupted !== undefined) throw interrupted;
  if (results.some(({ verdict }) => verdict !== "ok")) kdock.exitCode = CHECK_FAILED;
}

function requireCommand(
  [program, ...args]: readonly string[],
  { kernel }: KeyFlags,
): readonly [string, ...string[]] {
  if (kernel !== undefined) {
    throw new KdockError("usage", "--kernel is for one kernel", {
      hint: "A matrix takes a list: --kernels 5.10,6.1,6.12.",
    });
  }
  if (program !== undefined) return [program, ...args];
  throw new KdockError("usage", "there is no command to run on each kernel", {
    hint: "Give one after --: `kdock matrix -- uname -r`.",
  });
}

/** A report replaces the previous one. */
async function reportFile({ host }: Context, path: string): Promise<string> {
  const { targetFile } = await import("../../core/steps/target-file.js");
  return await targetFile(host.files, path, { force: true });
}
