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

/** "elf": every byte; "kdump-zlib": pages compressed, which crash and drgn read, and gdb does not. */
export type DumpFormat = "elf" | "kdump-zlib";

export interface DumpResult {
  readonly path: string;
  readonly sizeBytes: number;
  /** How long it took; the guest stood for most of it. */
  readonly ms: number;
}

/**
 * Writes the memory of a VM's guest to a file on this machine, whole or not at all; one that is there is replaced. The
 * guest stands meanwhile, and goes on afterwards if it ran before: also when this fails or is interrupted.
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
  /** Where the bytes go, as socat in the VM's container says it: "-" is the stream that is handed to whoever takes it. */
  readonly to: string;
}

/**
 * Has QEMU write the guest's memory, which `take` reads until it ends. The bytes never touch a disk of the VM's
 * container; a taker that fails breaks the dump off. Resolves when the guest runs again, if it did.
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
  // From here on the guest may stand, whatever happens.
  try {
    const taken = take(pipe.exec.stream);
    taken.catch(() => undefined);
    await Promise.race([write(monitor, pipe.path, format, log), failureOf(taken)]);
    pipe.exec.stream.end("\n");
    await taken;
    const exitCode = await pipe.exec.exitCode();
    if (exitCode !== 0) throw brokenOff(`socat's exit code is ${exitCode}`);
    await untilItGoesOn(monitor);
  } catch (error) {
    await pipe[Symbol.asyncDispose]();
    await monitor[Symbol.asyncDispose]();
    await waitUntilItGoesOn(container);
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
  /** In the VM's container; QEMU's end. */
  readonly path: string;
}

/** Disposing of it breaks the pipe and removes it. */
async function openPipe(ctx: Context, container: Container, to: string): Promise<Pipe> {
  const exec = await container.exec(["sh", INSIDE.vmDump, to], {
    tty: false,
    signal: ctx.signal,
    user: "qemu",
  });
  const dispose = () => hangUp(exec.stream);
  const said: string[] = [];
  for await (const line of linesOf(exec.stderr)) {
    if (line.startsWith("/")) return { exec, path: line, [Symbol.asyncDispose]: dispose };
    said.push(line);
  }
  await dispose();
  ctx.signal.throwIfAborted();
  throw new KdockError("vm", `the VM's container cannot pass on a dump: ${said.join("; ")}`, {
    hint: "A VM that an older kdock started has to be started anew: `kdock stop`, `kdock run -d`.",
  });
}

const TELL_EVERY_MS = 300;

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
    const told = (await monitor.execute("query-dump")) as { completed: number; total: number };
    log.progress(told.completed, told.total, "bytes", false);
    done = await Promise.race([
      completed.then(() => true),
      sleep(TELL_EVERY_MS, undefined, { ref: false }).then(() => false),
    ]);
  }
  const { data } = await completed;
  if (typeof data["error"] === "string") throw brokenOff(data["error"]);
}

function brokenOff(why: string): KdockError {
  return new KdockError("vm", `the guest's memory could not be written: ${why}`, {
    hint: "`kdock ps` tells whether the VM runs: then dump it again. If it has ended, `kdock logs` shows its console, and `kdock run -d` starts it anew.",
  });
}

/** The machine's state while QEMU writes. */
const BUSY = "save-vm";
const GOES_ON_MS = 10_000;
const ASK_EVERY_MS = 20;

/** QEMU lets the guest go on a moment after it has said that it is done. */
async function untilItGoesOn(monitor: QmpSession): Promise<void> {
  for (let waited = 0; waited < GOES_ON_MS; waited += ASK_EVERY_MS) {
    if ((await machineStatus(monitor)) !== BUSY) return;
    await sleep(ASK_EVERY_MS);
  }
}

/** The same on a line and a clock of its own: the one that was used may be what broke. */
async function waitUntilItGoesOn(container: Container): Promise<void> {
  try {
    await using monitor = await openMonitor(container, AbortSignal.timeout(GOES_ON_MS));
    await untilItGoesOn(monitor);
  } catch {
    // The VM is gone, or the engine is; the error that brought us here says so.
  }
}
