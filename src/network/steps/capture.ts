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
  /** A VM's name; undefined: the first of `words` if a VM has that name, otherwise the only VM. */
  readonly vm: string | undefined;
  /** tcpdump's filter. */
  readonly words: readonly string[];
  /** Absolute path of a pcap file, "-" for pcap on stdout, undefined for text. */
  readonly to: string | undefined;
  /** Replace an existing file. */
  readonly force: boolean;
  readonly side: "guest" | "uplink" | "both";
  /** End after this many packets; undefined: at Ctrl-C. */
  readonly count: number | undefined;
  /** Additional arguments for tcpdump. */
  readonly more: readonly string[];
}

/**
 * Runs tcpdump in the VM's container until Ctrl-C, `count` packets, or the VM's end. Rejects with a `usage` error for an
 * invalid filter, and with a `vm` error when the VM ends; the packets captured before are kept.
 */
export async function capture({ ctx, plan }: Project, request: CaptureRequest): Promise<void> {
  const { vm, filter } = await chosen(ctx, plan.names.id, request);
  const { container, prefix } = await captureContainer(ctx, plan, vm);
  const sink = await openSink(ctx, request);
  ctx.signal.throwIfAborted();
  // Not ctx.signal: on an abort the end of stdin stops tcpdump, which then flushes its packets.
  const closeExec = new AbortController();
  const exec = await container.exec(
    [...prefix, "sh", INSIDE.captureScript, request.side, filter, ...options(request)],
    { tty: false, signal: closeExec.signal },
  );
  using _stop = onAbort(ctx.signal, () => exec.stream.end());
  try {
    ctx.reporter.pause();
    const lastLine = forwardStderr(ctx, exec.stderr);
    await pipeline(exec.stream, sink, {
      end: request.to !== "-" && sink !== ctx.stdout,
    });
    const message = await lastLine;
    const exitCode = await exec.exitCode();
    if (exitCode !== 0 && !ctx.signal.aborted) throw captureError(exitCode, message);
  } finally {
    closeExec.abort();
  }
}

/** The container with the guest's tap, and the prefix of the command in it. */
async function captureContainer(ctx: Context, plan: Plan, name: string | undefined) {
  const { container, info } = await findRunningVm(ctx, plan, name);
  const { net, slot } = factsOf(info);
  if (net !== "host") return { container, prefix: [] };
  const engine = await ctx.engine();
  const [hostNet] = await engine.listContainers(labels("hostnet", plan.names.id));
  if (hostNet === undefined) {
    throw new KdockError("vm", "the container of the VM's network in mode host has ended", {
      hint: "Restart the VM: `kdock stop`, then `kdock run -d`. `kdock logs` shows its console.",
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
    // -l and -U: unbuffered, for live output.
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
    throw new KdockError("usage", "packets cannot be written to a terminal", {
      hint: "Name a file with -w, or pipe the output: `kdock capture -w - | wireshark -k -i -`.",
    });
  }
  const { files } = ctx.host;
  return files.writeLate(await targetFile(files, to, { force }), { replace: force });
}

/** tcpdump prints it on every start, since capture.sh has it drop root. */
const DROPPED_PRIVILEGES = /^(tcpdump: )?dropped privs to /;

/** Copies tcpdump's messages to stderr; resolves with the last one. */
async function forwardStderr(ctx: Context, stderr: Readable): Promise<string> {
  let last = "";
  for await (const line of linesOf(stderr)) {
    if (DROPPED_PRIVILEGES.test(line)) continue;
    writeText(ctx.stderr, `${line}\n`);
    if (line !== "") last = line;
  }
  return last;
}

/** Exit codes above stand for a signal: 128 + its number. */
const KILLED = 128;

function captureError(exitCode: number, message: string): KdockError {
  if (exitCode === CAPTURE_EXIT.noUplink)
    return new KdockError("vm", message, { hint: "Try --side guest." });
  if (exitCode === CAPTURE_EXIT.noTap) {
    return new KdockError("vm", message, {
      hint: "Capture in the guest (kdock exec), or start the VM with --net bridge.",
    });
  }
  if (exitCode > KILLED) {
    return new KdockError("vm", "the VM ended while packets were captured", {
      hint: `The packets captured before are kept. ${AFTER_END}`,
    });
  }
  return new KdockError("usage", `tcpdump: ${message.replace(/^tcpdump: /, "")}`, {
    hint: "Use the filter syntax of pcap-filter(7): 'tcp port 80', 'host 10.0.3.2', 'icmp'.",
  });
}
