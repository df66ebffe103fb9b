import { Writable } from "node:stream";
import { KdockError } from "../../core/errors.js";
import type { Project } from "../../build/project.js";
import { FOLDER } from "../../core/plan/names.js";
import { cutLine } from "../../ui/log-tail.js";
import { inProject } from "../../core/steps/context.js";
import { writeGdbScripts } from "../../build/steps/gdb-script.js";
import { checkNetwork } from "../../vm/steps/guest-subnet.js";
import { runCommand } from "../../vm/steps/run-command.js";
import { runStep, stepLogFile } from "../../core/steps/run-step.js";

/** Lines kept in memory; the log is complete. */
const OUTPUT_LINES = 1000;

export interface TryOptions {
  /** The VM's name. */
  readonly vm: string;
  /** The name of the step and of its log in .kdock/logs. */
  readonly step: string;
  readonly command: readonly [string, ...string[]];
  readonly bootTimeoutSeconds: number;
}

/** The results; values of steps that were not reached are undefined. */
export interface Tried {
  readonly bootMs: number | undefined;
  readonly commandMs: number | undefined;
  readonly exitCode: number | undefined;
  /** The command's last lines of output. */
  readonly output: readonly string[];
}

/**
 * Boots a VM beside the project's, runs a command and powers off; the command's output is the step's log. Rejects when
 * the exit code is not 0 and when the VM fails. `onResult` is called in any case.
 */
export async function tryCommand(
  { ctx, plan, config }: Pick<Project, "ctx" | "plan" | "config">,
  { vm: name, step, command, bootTimeoutSeconds }: TryOptions,
  onResult: (tried: Tried) => void,
): Promise<void> {
  // Without a gdbserver, whose port another VM of the project may use.
  const withoutGdb = { ...config, gdb: { ...config.gdb, enable: false } };
  const vm = { name, config: withoutGdb, mode: { paused: false, command: true } };
  await checkNetwork(ctx, plan, withoutGdb, [name]);
  await ctx.host.files.remove(stepLogFile(ctx, step));
  const output: string[] = [];
  const addressFile = inProject(ctx, FOLDER.gdbAddress);
  const addressBefore = await ctx.host.files.readText(addressFile);
  let tried: Tried = { bootMs: undefined, commandMs: undefined, exitCode: undefined, output };
  await runStep(ctx, step, command.join(" "), async (log) => {
    const write = (line: string) => {
      output.push(cutLine(line));
      if (output.length > OUTPUT_LINES) output.shift();
      log.line(line);
    };
    const [stdout, stderr] = [lineSink(write), lineSink(write)];
    try {
      const end = await runCommand(ctx, plan, vm, command, {
        bootTimeoutSeconds,
        streams: { stdout: stdout.stream, stderr: stderr.stream, stdin: undefined },
        onReady: (bootMs) => (tried = { ...tried, bootMs }),
      });
      const { bootMs, commandMs, exitCode, problem } = end;
      tried = { ...tried, bootMs, commandMs, exitCode };
      stdout.end();
      stderr.end();
      if (problem !== undefined) write(`kdock: ${problem}`);
      if (exitCode === 0) return { value: undefined, cached: false, summary: "exit code 0" };
      throw new KdockError("vm", `${command.join(" ")}: exit code ${exitCode}`);
    } finally {
      onResult(tried);
      // Starting a VM without a gdbserver removed the address of the project's VM.
      if (addressBefore !== undefined) {
        await ctx.host.files.writeAtomic(addressFile, addressBefore);
        await writeGdbScripts(ctx, plan);
      }
    }
  });
}

/** Longer lines are split. */
const MAX_LINE = 1 << 16;

/** Passes a stream's lines to `onLine`; `end` flushes an unterminated last line. */
function lineSink(onLine: (line: string) => void): { stream: Writable; end(): void } {
  let rest = "";
  const decoder = new TextDecoder();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = parts.pop() ?? "";
      for (const line of parts) onLine(line);
      if (rest.length > MAX_LINE) {
        onLine(rest);
        rest = "";
      }
      done();
    },
  });
  const end = () => {
    if (rest !== "") onLine(rest);
    rest = "";
  };
  return { stream, end };
}
