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

/** The log has the others. */
const OUTPUT_LINES = 1000;

export interface TryOptions {
  /** The VM's name. */
  readonly vm: string;
  /** Of the step, and of its log in .kdock/logs. */
  readonly step: string;
  readonly command: readonly [string, ...string[]];
  readonly bootTimeoutSeconds: number;
}

/** What is known so far; what it did not get to is undefined. */
export interface Tried {
  readonly bootMs: number | undefined;
  readonly commandMs: number | undefined;
  readonly exitCode: number | undefined;
  /** The last lines that the command wrote. */
  readonly output: readonly string[];
}

/**
 * Boots what is built beside the project's own VMs, runs a command, powers off; what it writes is a step's log. Rejects
 * when its exit code is not 0, and when the VM did not get there; `learn` is told what is known, in any case.
 */
export async function tryCommand(
  { ctx, plan, config }: Pick<Project, "ctx" | "plan" | "config">,
  { vm: name, step, command, bootTimeoutSeconds }: TryOptions,
  learn: (known: Tried) => void,
): Promise<void> {
  // Nobody debugs it, and its port is not taken from a VM that somebody does.
  const quiet = { ...config, gdb: { ...config.gdb, enable: false } };
  const vm = { name, config: quiet, mode: { paused: false, command: true } };
  await checkNetwork(ctx, plan, quiet, [name]);
  await ctx.host.files.remove(stepLogFile(ctx, step));
  const output: string[] = [];
  const address = inProject(ctx, FOLDER.gdbAddress);
  const before = await ctx.host.files.readText(address);
  let known: Tried = { bootMs: undefined, commandMs: undefined, exitCode: undefined, output };
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
        onReady: (bootMs) => (known = { ...known, bootMs }),
      });
      const { bootMs, commandMs, exitCode, problem } = end;
      known = { ...known, bootMs, commandMs, exitCode };
      stdout.end();
      stderr.end();
      if (problem !== undefined) write(`kdock: ${problem}`);
      if (exitCode === 0) return { value: undefined, cached: false, summary: "exit code 0" };
      throw new KdockError("vm", `${command.join(" ")}: exit code ${exitCode}`);
    } finally {
      learn(known);
      // The gdb address of a VM that is debugged meanwhile, which one without a gdbserver took away.
      if (before !== undefined) {
        await ctx.host.files.writeAtomic(address, before);
        await writeGdbScripts(ctx, plan);
      }
    }
  });
}

/** A longer line is told in pieces. */
const MAX_LINE = 1 << 16;

/** A stream whose lines are told one by one; the last one when it ends, if it has no end of its own. */
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
