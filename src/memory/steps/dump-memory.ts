import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container, Exec } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE } from "../../core/plan/names.js";
import type { QmpSession } from "../qmp/session.js";
import type { Context } from "../../core/steps/context.js";
import { hangUp } from "../../core/hang-up.js";
import { linesOf } from "../../core/steps/lines.js";
import { machineStatus, openMonitor } from "./qmp.js";
import { runStep, type StepLog } from "../../core/steps/run-step.js";

/** "elf" is uncompressed; "kdump-zlib" compresses pages, which crash and drgn can read, and gdb cannot. */
export type DumpFormat = "elf" | "kdump-zlib";

export interface DumpResult {
  readonly path: string;
  readonly sizeBytes: number;
  /** Duration; the guest was paused for most of it. */
  readonly ms: number;
}

/**
 * Writes a guest's memory to a file on the host, atomically; an existing file is replaced. QEMU pauses the guest
 * meanwhile and resumes it afterwards if it was running, also on failure or interrupt.
 */
export async function dumpGuestMemory(
  ctx: Context,
  container: Container,
  path: string,
  { format }: { readonly format: DumpFormat } = { format: "elf" },
): Promise<DumpResult> {
  const { files } = ctx.host;
  return await runStep(ctx, "dump", "the guest's memory", async (log) => {
    const startedAt = ctx.host.now();
    const temporary = await files.makeTemporary(path);
    try {
      const file = await files.writeSparse(`${temporary}/core`, 0o600);
      let sizeBytes = 0;
      await streamMemory(ctx, container, { format, to: "-" }, log, async (stream) => {
        stream.on("data", (chunk: Buffer) => (sizeBytes += chunk.length));
        await pipeline(stream, file, { signal: ctx.signal });
      });
      await files.replace(`${temporary}/core`, path);
      const ms = ctx.host.now() - startedAt;
      return { value: { path, sizeBytes, ms }, cached: false };
    } finally {
      await files.remove(temporary);
    }
  });
}

export interface MemoryRequest {
  readonly format: DumpFormat;
  /** The destination as a socat address in the VM's container; "-" is the stream that `take` gets. */
  readonly to: string;
}

/**
 * Has QEMU write the guest's memory into a pipe, which `take` reads to its end: nothing is stored in the VM's container.
 * If `take` fails, the dump is aborted. Resolves when the guest is back in its previous state.
 */
export async function streamMemory(
  ctx: Context,
  container: Container,
  { format, to }: MemoryRequest,
  log: StepLog,
  take: (stream: Duplex) => Promise<void>,
): Promise<void> {
  await using monitor = await openMonitor(container, ctx.signal);
  await using pipe = await openPipe(ctx, container, to);
  // From here on the guest may be paused.
  try {
    const taken = take(pipe.exec.stream);
    taken.catch(() => undefined);
    await Promise.race([write(monitor, pipe.path, format, log), failureOf(taken)]);
    pipe.exec.stream.end("\n");
    await taken;
    const exitCode = await pipe.exec.exitCode();
    if (exitCode !== 0) throw dumpFailed(`socat's exit code is ${exitCode}`);
    await untilStateRestored(monitor);
  } catch (error) {
    await pipe[Symbol.asyncDispose]();
    await monitor[Symbol.asyncDispose]();
    await untilStateRestoredAfterFailure(container);
    ctx.signal.throwIfAborted();
    throw error;
  }
}

/** Never resolves. */
async function failureOf(work: Promise<void>): Promise<never> {
  await work;
  return await new Promise<never>(() => undefined);
}

interface Pipe extends AsyncDisposable {
  readonly exec: Exec;
  /** QEMU's end, in the VM's container. */
  readonly path: string;
}

/** Disposing of the pipe closes and removes it. */
async function openPipe(ctx: Context, container: Container, to: string): Promise<Pipe> {
  const exec = await container.exec(["sh", INSIDE.vmDump, to], {
    tty: false,
    signal: ctx.signal,
    user: "qemu",
  });
  const dispose = () => hangUp(exec.stream);
  const stderr: string[] = [];
  for await (const line of linesOf(exec.stderr)) {
    if (line.startsWith("/")) return { exec, path: line, [Symbol.asyncDispose]: dispose };
    stderr.push(line);
  }
  await dispose();
  ctx.signal.throwIfAborted();
  throw new KdockError("vm", `the VM's container cannot forward a dump: ${stderr.join("; ")}`, {
    hint: "If an older kdock started the VM, restart it: `kdock stop`, `kdock run -d`.",
  });
}

const PROGRESS_INTERVAL_MS = 300;

/** Resolves when QEMU has written everything. */
async function write(
  monitor: QmpSession,
  pipe: string,
  format: DumpFormat,
  log: StepLog,
): Promise<void> {
  const completed = monitor.event("DUMP_COMPLETED");
  await monitor.execute("dump-guest-memory", {
    ...{ paging: false, protocol: `file:${pipe}`, detach: true },
    ...(format === "elf" ? {} : { format }),
  });
  for (let done = false; !done;) {
    const progress = (await monitor.execute("query-dump")) as { completed: number; total: number };
    log.progress(progress.completed, progress.total, "bytes", false);
    done = await Promise.race([
      completed.then(() => true),
      sleep(PROGRESS_INTERVAL_MS, undefined, { ref: false }).then(() => false),
    ]);
  }
  const { data } = await completed;
  if (typeof data["error"] === "string") throw dumpFailed(data["error"]);
}

function dumpFailed(why: string): KdockError {
  return new KdockError("vm", `the guest's memory could not be written: ${why}`, {
    hint: "`kdock ps` shows whether the VM runs: then dump it again. If it has ended, `kdock logs` shows its console, and `kdock run -d` starts a new one.",
  });
}

/** The machine's state while QEMU writes a dump. */
const DUMPING = "save-vm";
const RESTORE_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 20;

/** QEMU sends DUMP_COMPLETED shortly before it resumes the guest. */
async function untilStateRestored(monitor: QmpSession): Promise<void> {
  for (let waited = 0; waited < RESTORE_TIMEOUT_MS; waited += POLL_INTERVAL_MS) {
    if ((await machineStatus(monitor)) !== DUMPING) return;
    await sleep(POLL_INTERVAL_MS);
  }
}

/** Uses a new connection and signal: the previous ones may be broken or aborted. */
async function untilStateRestoredAfterFailure(container: Container): Promise<void> {
  try {
    await using monitor = await openMonitor(container, AbortSignal.timeout(RESTORE_TIMEOUT_MS));
    await untilStateRestored(monitor);
  } catch {
    // The VM has ended or the engine is unreachable; the caller throws the original error.
  }
}
