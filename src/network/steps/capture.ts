import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KdockError } from "../../core/errors.js";
import { onAbort } from "../../core/on-abort.js";
import { INSIDE, labels } from "../../core/plan/names.js";
import { CAPTURE_EXIT } from "../../core/plan/script-exits.js";
import type { Plan } from "../../build/plan/plan.js";
import { guestName } from "../../vm/plan/slots.js";
import type { Project } from "../../build/project.js";
import { factsOf, namesOf } from "../../vm/steps/choose-vm.js";
import { AFTER_END } from "../../vm/steps/unexpected-end.js";
import type { Context } from "../../core/steps/context.js";
import { linesOf } from "../../core/steps/lines.js";
import { targetFile } from "../../core/steps/target-file.js";
import { findRunningVm } from "../../vm/steps/vms.js";
import { writeText } from "../../ui/visible.js";

export interface CaptureRequest {
  /** A VM's name; undefined: the first of `words` if it is one, else the only VM. */
  readonly vm: string | undefined;
  /** tcpdump's filter. */
  readonly words: readonly string[];
  /** Absolute path of a pcap file, "-" for stdout, undefined for lines to read. */
  readonly to: string | undefined;
  /** Replace a file that is there. */
  readonly force: boolean;
  readonly side: "guest" | "uplink" | "both";
  /** End after so many packets; undefined: at Ctrl-C. */
  readonly count: number | undefined;
  /** More arguments for tcpdump. */
  readonly more: readonly string[];
}

/**
 * tcpdump in the VM's container, until Ctrl-C, `count`, or the VM's end. Rejects with a `usage` error for a filter that
 * tcpdump does not understand, and with a `vm` error when the VM ended first; what was captured until then is kept.
 */
export async function capture({ ctx, plan }: Project, request: CaptureRequest): Promise<void> {
  const { vm, filter } = await chosen(ctx, plan.names.id, request);
  const { container, prefix } = await placeToCapture(ctx, plan, vm);
  const sink = await openSink(ctx, request);
  ctx.signal.throwIfAborted();
  // Not the command's signal: its end is ours to arrange, so that tcpdump writes what it still has.
  const hangUp = new AbortController();
  const exec = await container.exec(
    [...prefix, "sh", INSIDE.captureScript, request.side, filter, ...options(request)],
    { tty: false, signal: hangUp.signal },
  );
  using _stop = onAbort(ctx.signal, () => exec.stream.end());
  try {
    ctx.reporter.pause();
    const said = tell(ctx, exec.stderr);
    await pipeline(exec.stream, sink, {
      end: request.to !== "-" && sink !== ctx.stdout,
    });
    const last = await said;
    const exitCode = await exec.exitCode();
    if (exitCode !== 0 && !ctx.signal.aborted) throw failed(exitCode, last);
  } finally {
    hangUp.abort();
  }
}

/** Which container has the guest's tap, and what its script has to be told. */
async function placeToCapture(ctx: Context, plan: Plan, name: string | undefined) {
  const { container, info } = await findRunningVm(ctx, plan, name);
  const { net, slot } = factsOf(info);
  if (net !== "host") return { container, prefix: [] };
  const engine = await ctx.engine();
  const [hostNet] = await engine.listContainers(labels("hostnet", plan.names.id));
  if (hostNet === undefined) {
    throw new KdockError("vm", "the host's part of the network has ended", {
      hint: "The VM has no network any more: `kdock stop`, then `kdock run -d`. `kdock logs` shows its console.",
    });
  }
  return {
    container: engine.container(hostNet.id),
    prefix: ["env", `KDOCK_CAPTURE_VM=${guestName(slot)}`],
  };
}

async function chosen(ctx: Context, project: string, { vm, words }: CaptureRequest) {
  if (vm !== undefined) return { vm, filter: words.join(" ") };
  const [first, ...rest] = words;
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", project));
  return namesOf(vms).some((name) => name === first)
    ? { vm: first, filter: rest.join(" ") }
    : { vm: undefined, filter: words.join(" ") };
}

function options({ to, count, more }: CaptureRequest): readonly string[] {
  return [
    // Each packet at once: somebody is watching.
    ...(to === undefined ? ["-l"] : ["-U", "-w", "-"]),
    ...(count === undefined ? [] : ["-c", String(count)]),
    ...more,
  ];
}

async function openSink(
  ctx: Context,
  { to, force }: CaptureRequest,
): Promise<NodeJS.WritableStream> {
  if (to === undefined) return ctx.stdout;
  if (to === "-") {
    if (!ctx.terminal.isInteractive) return ctx.stdout;
    throw new KdockError("usage", "packets are not for a terminal", {
      hint: "Give -w a file, or pipe it: `kdock capture -w - | wireshark -k -i -`.",
    });
  }
  const { files } = ctx.host;
  return files.writeLate(await targetFile(files, to, { force }), { replace: force });
}

/** capture.sh has tcpdump give up root, which is no news. */
const DROPPED = /^(tcpdump: )?dropped privs to /;

/** tcpdump's own words go to stderr as they come; resolves with the last one. */
async function tell(ctx: Context, stderr: Readable): Promise<string> {
  let last = "";
  for await (const line of linesOf(stderr)) {
    if (DROPPED.test(line)) continue;
    writeText(ctx.stderr, `${line}\n`);
    if (line !== "") last = line;
  }
  return last;
}

/** The code of a program that a signal has ended is this, and the signal's number. */
const KILLED = 128;

function failed(exitCode: number, last: string): KdockError {
  if (exitCode === CAPTURE_EXIT.noUplink)
    return new KdockError("vm", last, { hint: "Try --side guest." });
  if (exitCode === CAPTURE_EXIT.noTap) {
    return new KdockError("vm", last, {
      hint: "Capture in the guest (kdock exec), or start the VM with --net bridge.",
    });
  }
  if (exitCode > KILLED) {
    return new KdockError("vm", "the VM ended while packets were captured", {
      hint: `What was captured until then is kept. ${AFTER_END}`,
    });
  }
  return new KdockError("usage", `tcpdump says: ${last.replace(/^tcpdump: /, "")}`, {
    hint: "The filter's language is that of pcap-filter(7): 'tcp port 80', 'host 10.0.3.2', 'icmp'.",
  });
}
