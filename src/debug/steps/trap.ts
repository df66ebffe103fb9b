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
import { type Provocation, provoke, SETTLE_MS } from "./provoke.js";
import { requireNone, type RunningVm, runningVm } from "../../vm/steps/running-vm.js";

export interface TrapOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  readonly asked: Pick<
    TrapRequest,
    "stops" | "condition" | "bt" | "args" | "locals" | "print" | "count" | "timeout"
  >;
  /** A shell command that is run in the guest once the stops are set. */
  readonly exec: string | undefined;
  /** From the first instruction of a VM that is started for this. */
  readonly boot: boolean;
  readonly bootTimeoutSeconds: number;
  /** Leave a VM running that was started for this. */
  readonly keep: boolean;
}

type EventOf<K extends TrapEvent["event"]> = Extract<TrapEvent, { event: K }>;

export interface TrapResult {
  readonly stops: EventOf<"armed">["stops"];
  readonly hits: readonly EventOf<"hit">[];
  /** "count" when as many hits came as were asked for. */
  readonly reason: EventOf<"end">["reason"];
  /** About each stop that was never hit. */
  readonly why: EventOf<"end">["why"];
}

/**
 * Sets stops, provokes them, tells each hit as it comes; the guest goes on afterwards. Rejects with a `usage` error that
 * names what is near for a place or expression that is unknown, and with a `vm` error when the guest goes away.
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
    // Let go, the kernel says the rest of what it has to say, and ends the VM.
    if (seen.has("panic")) await untilEnd(vm.project.ctx, vm.container);
    if (vm.isOurs && !options.keep) await vm.stop();
  }
}

const LAST_WORDS_MS = 5000;
/** One hit with all of its locals is one line. */
const MAX_EVENT = 64 << 20;

async function untilEnd(ctx: Context, container: Container): Promise<void> {
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(LAST_WORDS_MS)]);
  await container.wait(signal).catch(() => undefined);
}

async function trapIn(
  { project: { ctx, plan }, name, container }: RunningVm,
  { asked, exec }: TrapOptions,
  onEvent: (event: TrapEvent) => void,
): Promise<TrapResult> {
  await using provoking = exec === undefined ? undefined : await provoke(ctx, container, exec);
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
  const said = logLines(session.stream.stderr, log);
  for await (const line of linesOf(session.stream, MAX_EVENT)) {
    const event = readTrapLine(line);
    if (event === undefined) {
      log.write(line);
      continue;
    }
    events.push(event);
    onEvent(event);
    if (event.event === "armed" && provoking !== undefined) {
      void keepProvoking(provoking, asked.count, () => events.filter(isHit).length);
    }
  }
  await said;
  const exitCode = await session.exit;
  return resultOf(events, exitCode);
}

/**
 * Runs the command again as long as that brings hits and there are not enough of them: one that comes by once each time
 * is run as often as hits are wanted. Nobody waits for this; it ends with the line to the guest.
 */
async function keepProvoking(
  provoking: Provocation,
  wanted: number,
  hits: () => number,
): Promise<void> {
  let before = -1;
  while (before < hits() && hits() < wanted) {
    before = hits();
    await provoking.run();
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
      hint: `Its words are in ${FOLDER.gdbLog}.`,
    });
  }
  return { stops: armed?.stops ?? [], hits: of("hit"), reason: end.reason, why: end.why };
}
