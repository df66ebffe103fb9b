import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import { readTrapLine, TRAP_VARIABLE, type TrapEvent, type TrapRequest } from "../plan/trap.js";
import type { Project } from "../../build/project.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { debuggerError } from "./debugger-error.js";
import { openGdb } from "./gdb.js";
import { linesOf, logLines } from "../../core/steps/lines.js";
import { openTrigger, SETTLE_MS, type Trigger } from "./trigger.js";
import { requireNone, type RunningVm, runningVm } from "../../vm/steps/running-vm.js";

export interface TrapOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  readonly asked: Pick<
    TrapRequest,
    "stops" | "condition" | "bt" | "args" | "locals" | "print" | "count" | "timeout"
  >;
  /** A shell command to run in the guest once the stops are set. */
  readonly exec: string | undefined;
  /** Start a new VM, paused at its first instruction. */
  readonly boot: boolean;
  readonly bootTimeoutSeconds: number;
  /** Leave a VM running that this command started. */
  readonly keep: boolean;
}

type EventOf<K extends TrapEvent["event"]> = Extract<TrapEvent, { event: K }>;

export interface TrapResult {
  readonly stops: EventOf<"armed">["stops"];
  readonly hits: readonly EventOf<"hit">[];
  /** "count": the requested number of hits was reached. */
  readonly reason: EventOf<"end">["reason"];
  /** For each stop that was never hit. */
  readonly why: EventOf<"end">["why"];
}

/**
 * Sets stops, runs the trigger and reports each hit; the guest continues afterwards. Rejects with a `usage` error that
 * lists similar names for an unknown place or expression, and with a `vm` error when the guest ends.
 */
export async function trap(
  project: Project,
  options: TrapOptions,
  onEvent: (event: TrapEvent) => void,
): Promise<TrapResult> {
  if (options.boot) await requireNone(project, options.vm);
  const vm = await runningVm(project, { ...options, paused: options.boot });
  const seen = new Set<TrapEvent["event"]>();
  try {
    return await trapIn(vm, options, (event) => {
      seen.add(event.event);
      onEvent(event);
    });
  } finally {
    // After a panic the continued kernel still prints its trace, and then ends the VM.
    if (seen.has("panic")) await untilEnd(vm.project.ctx, vm.container);
    if (vm.isOurs && !options.keep) await vm.stop();
  }
}

const PANIC_OUTPUT_MS = 5000;
/** In characters; a hit with all its locals is one line. */
const MAX_EVENT = 64 << 20;

async function untilEnd(ctx: Context, container: Container): Promise<void> {
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(PANIC_OUTPUT_MS)]);
  await container.wait(signal).catch(() => undefined);
}

async function trapIn(
  { project: { ctx, plan }, name, container }: RunningVm,
  { asked, exec }: TrapOptions,
  onEvent: (event: TrapEvent) => void,
): Promise<TrapResult> {
  await using trigger = exec === undefined ? undefined : await openTrigger(ctx, container, exec);
  const request: TrapRequest = {
    ...asked,
    vmlinux: `${INSIDE.output}/vmlinux`,
    target: `127.0.0.1:${INSIDE.gdbPort}`,
    modules: `${INSIDE.output}/modules`,
    systemMap: `${INSIDE.output}/System.map`,
    release: "",
    hardware: false,
    substitutePath: null,
  };
  await using session = await openGdb(ctx, plan, {
    vm: name,
    gdbArguments: ["-nx", "-q", "-batch", "-x", INSIDE.gdbTrap],
    env: { [TRAP_VARIABLE]: JSON.stringify(request) },
    terminal: false,
    apart: true,
  });
  const events: TrapEvent[] = [];
  await using log = ctx.host.files.openLog(inProject(ctx, FOLDER.gdbLog));
  const stderrLogged = logLines(session.stream.stderr, log);
  for await (const line of linesOf(session.stream, MAX_EVENT)) {
    const event = readTrapLine(line);
    if (event === undefined) {
      log.write(line);
      continue;
    }
    events.push(event);
    onEvent(event);
    if (event.event === "armed" && trigger !== undefined) {
      void repeatTrigger(trigger, asked.count, () => events.filter(isHit).length);
    }
  }
  await stderrLogged;
  const exitCode = await session.exit;
  return resultOf(events, exitCode);
}

/**
 * Repeats the command while the last run caused a hit and more are wanted. The caller does not await it: it ends with the
 * session to the guest.
 */
async function repeatTrigger(trigger: Trigger, wanted: number, hits: () => number): Promise<void> {
  let before = -1;
  while (before < hits() && hits() < wanted) {
    before = hits();
    await trigger.run();
    if (hits() === before) await sleep(SETTLE_MS, undefined, { ref: false });
  }
}

function isHit(event: TrapEvent): boolean {
  return event.event === "hit";
}

function resultOf(events: readonly TrapEvent[], exitCode: number): TrapResult {
  const of = <K extends TrapEvent["event"]>(kind: K) =>
    events.filter((event): event is EventOf<K> => event.event === kind);
  const errors = of("error");
  if (errors.length > 0) throw debuggerError(errors);
  const [armed] = of("armed");
  const [end] = of("end");
  if (end === undefined) {
    throw new KdockError("vm", `gdb ended early, with exit code ${exitCode}`, {
      hint: `See gdb's log in ${FOLDER.gdbLog}.`,
    });
  }
  return { stops: armed?.stops ?? [], hits: of("hit"), reason: end.reason, why: end.why };
}
