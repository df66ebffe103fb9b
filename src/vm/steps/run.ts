import { debuggerOn } from "../../core/plan/architectures.js";
import { hostPortText } from "../../core/plan/container-spec.js";
import { FOLDER } from "../../core/plan/names.js";
import { detachedNote, type Printer } from "../../core/print.js";
import { vmWordsUnlessDefault } from "../../core/vm-words.js";
import type { Project } from "../../build/project.js";
import { buildForVms } from "./build-for-vms.js";
import { checkDumpPath } from "./panic-dump.js";
import { runAttached } from "./run-attached.js";
import { runCommand } from "./run-command.js";
import { type DetachedVm, runDetached } from "./run-detached.js";
import type { StartedVm } from "./start-vm.js";
import { writeText } from "../../ui/visible.js";

export interface RunRequest {
  readonly name: string;
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly paused: boolean;
  /** Absolute; where vm.dumpOnPanic puts its dump instead of below .kdock. */
  readonly dumpTo: string | undefined;
  readonly bootTimeoutSeconds: number;
}

/** Builds what is out of date, then boots as requested. Resolves with the process's exit code. */
export async function run(project: Project, request: RunRequest, print: Printer): Promise<number> {
  if (request.dumpTo !== undefined) await checkDumpPath(project.ctx, request.dumpTo);
  const built = await buildForVms(project, [request.name]);
  const { ctx, config, plan } = built;
  const [program, ...args] = request.command;
  const { paused, dumpTo } = request;
  const mode = { paused, command: program !== undefined, dumpTo };
  const vm = { name: request.name, config, mode };

  if (program !== undefined) {
    const argv = [program, ...args] as const;
    const { exitCode, problem } = await runCommand(ctx, plan, vm, argv, request);
    if (problem !== undefined) writeText(ctx.stderr, `kdock: ${problem}\n`);
    return exitCode;
  }
  if (request.detach) {
    const result = await runDetached(ctx, plan, vm, request);
    print.result(result, detachedText(result, request, gdbCommandOf(built)));
    return 0;
  }
  const end = await runAttached(ctx, plan, vm, (started) => {
    const { isInteractive } = ctx.terminal;
    print.note(attachedText(started, request.paused, isInteractive, gdbCommandOf(built)));
  });
  if (end === "detached") print.note(detachedNote(vmWordsUnlessDefault(request.name)));
  return 0;
}

function detachedText(
  result: Pick<DetachedVm, "gdb" | "bootMs" | "noAgent">,
  { name, paused }: Pick<RunRequest, "name" | "paused">,
  gdbCommand: string,
): string[] {
  const vm = vmWordsUnlessDefault(name);
  return [
    detachedState(result, paused),
    ...(result.gdb === undefined ? [] : [gdbText(result.gdb, gdbCommand)]),
    `kdock console${vm} joins it, kdock stop${vm} ends it`,
  ];
}

/** What is known of a VM that runs in the background. */
export function detachedState(
  { bootMs, noAgent }: Pick<DetachedVm, "bootMs" | "noAgent">,
  paused: boolean,
): string {
  if (paused) return "the VM is stopped before its first instruction";
  if (noAgent !== undefined) {
    return `the VM runs; kdock cannot tell when its guest is ready, and kdock exec and kdock cp do not work, because kdock's agent does not run there: ${noAgent}`;
  }
  return `the guest is ready (${((bootMs ?? 0) / 1000).toFixed(1)} s by its own clock)`;
}

function attachedText(
  started: StartedVm,
  paused: boolean,
  interactive: boolean,
  gdbCommand: string,
): string {
  const { gdb } = started;
  return [
    ...(gdb === undefined ? [] : [gdbText(hostPortText(gdb), gdbCommand)]),
    ...(paused
      ? ["stopped before the first instruction: the debugger's `continue` starts it"]
      : []),
    ...(interactive ? ["Ctrl-] detaches"] : []),
  ].join("\n");
}

function gdbText(address: string, command: string): string {
  return `gdbserver on ${address}: ${command}`;
}

/** Of the set that runs, which a kernel that is named by its key need not share with `current`. */
function gdbCommandOf({ built, plan, ctx }: Project): string {
  const set = built === undefined ? FOLDER.current : `${FOLDER.out}/set/${plan.setKey}`;
  return `${debuggerOn(ctx.host.machine, plan.arch)} -x ${set}/${FOLDER.gdbScript}`;
}
